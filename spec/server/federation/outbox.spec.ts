import { expect } from 'chai'
import { openOutbox } from '../../../server/federation/outbox.ts'
import { insertEdu, upsertFailure } from '../../../server/federation/queue.store.ts'
import type { Graph } from '../../../server/graph/graph.ts'
import type { Home } from '../../../server/home.ts'
import { write } from '../../../server/storage/database.ts'
import type { Lease } from '../../../server/storage/lease.ts'
import { forEachEngine } from '../../support/storage.ts'

const now = 1_800_000_000_000
const minute = 60_000

forEachEngine('what a server that is away is told later', (open) => {
  it('is less the longer it has been away: not who types, then not who is online, but all else', async () => {
    const { database } = await open()
    const away = (destination: string, since: number) => write(upsertFailure, destination, 5, since, now, now + minute, 'nobody is there')
    await database.commit({ writes: [away('a.test', now - minute), away('b.test', now - 11 * minute)] })
    const signal = new AbortController().signal
    const clock = { now: () => now, sleep: () => new Promise<void>(() => {}) }
    const home = { database, clock, serverName: 'hs.test' } as unknown as Home
    const lease = { signal, lost: signal } as unknown as Lease
    const outbox = await openOutbox({ home, graph: {} as Graph, lease, texts: () => undefined, fail: () => {} })
    const told = (key: string, waits: number) => ({ text: '{}', key, waits })
    const edus = [told('typing', 0), told('presence', 10 * minute), told('receipt', Number.POSITIVE_INFINITY)]
    const { writes } = outbox.put(1, new Map(['a.test', 'b.test'].map((server) => [server, { pdus: [], edus }])))
    const kept = writes
      .filter(({ statement }) => statement.id === insertEdu.id)
      .map(({ parameters }) => `${parameters[0]} ${parameters[3]}`)
    expect(kept).to.deep.equal(['a.test presence', 'a.test receipt', 'b.test receipt'])
  })
})
