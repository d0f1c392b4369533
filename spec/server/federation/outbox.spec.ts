import { expect } from 'chai'
import type { ServerName } from '../../../server/core/ids.ts'
import { readNext } from '../../../server/federation/next-transaction.ts'
import { openOutbox, type ToldEdu } from '../../../server/federation/outbox.ts'
import {
  deleteOldestEdus,
  deleteStaleEdus,
  insertEdu,
  insertPdus,
  selectMissed,
  upsertFailure,
} from '../../../server/federation/queue.store.ts'
import type { Graph, TimelineEvent } from '../../../server/graph/graph.ts'
import type { Home } from '../../../server/home.ts'
import { createMetrics } from '../../../server/http/metrics.ts'
import { type Database, write } from '../../../server/storage/database.ts'
import type { Lease } from '../../../server/storage/lease.ts'
import { forEachEngine } from '../../support/storage.ts'

const now = 1_800_000_000_000
const minute = 60_000
const day = 24 * 60 * minute
const ever = Number.POSITIVE_INFINITY

type Said = { readonly message: string; readonly fields: unknown }

/** The queues of a server that has been away for some minutes, on a clock that stands. */
async function openAway(database: Database, minutes: Readonly<Record<ServerName, number>>) {
  const away = Object.entries(minutes).map(([server, since]) =>
    write(upsertFailure, server, 5, now - since * minute, now, now + minute, 'nobody is there'),
  )
  await database.commit({ writes: away })
  const said: Said[] = []
  const signal = new AbortController().signal
  const clock = { now: () => now, sleep: () => new Promise<void>(() => {}) }
  const log = { warn: (message: string, fields: unknown) => said.push({ message, fields }) }
  const metrics = createMetrics()
  const home = { database, clock, log, metrics, serverName: 'hs.test' } as unknown as Home
  const lease = { signal, lost: signal } as unknown as Lease
  const graph = { events: () => new Promise<never>(() => {}) } as unknown as Graph
  const outbox = await openOutbox({ home, graph, lease, texts: () => undefined, fail: () => {} })
  const put = async (position: number, server: ServerName, edus: ToldEdu[]) => {
    const { writes, committed } = outbox.put(position, new Map([[server, { pdus: [], edus }]]))
    const outcome = await database.commit({ writes })
    committed((outcome.ok && outcome.rows) || [])
    return writes
  }
  return { home, outbox, put, said, metrics }
}

const told = (key: string | undefined, waits: number, gapIsSeen = false) => ({ text: JSON.stringify(key ?? ''), key, waits, gapIsSeen })
const message = (text: string): ToldEdu => ({ text, key: undefined, waits: ever })

async function waitingFor(home: Home, server: ServerName, at = now): Promise<{ edus: readonly string[]; isAll: boolean; taken: number }> {
  const later = { ...home, clock: { ...home.clock, now: () => at } }
  const { contents, isAll, taken } = await readNext({ home: later, graph: {} as Graph, texts: () => undefined }, server)
  return { edus: contents.edus, isAll, taken: taken.length }
}

forEachEngine('what a server that is away is told later', (open) => {
  it('is less the longer it has been away: not who types, then not who is online, but all else', async () => {
    const { database } = await open()
    const { put } = await openAway(database, { 'a.test': 1, 'b.test': 11 })
    const keptFor = async (server: ServerName) =>
      (await put(1, server, [told('typing', minute / 2), told('presence', 10 * minute), told('receipt', ever)]))
        .filter(({ statement }) => statement.id === insertEdu.id)
        .map(({ parameters }) => parameters[3])
    expect(await keptFor('a.test')).to.deep.equal(['presence', 'receipt'])
    expect(await keptFor('b.test')).to.deep.equal(['receipt'])
  })

  it('is nothing that has waited longer than it is of use, which goes with the others or at the next try', async () => {
    const { database } = await open()
    const { home, put } = await openAway(database, { 'a.test': 1 })
    await put(1, 'a.test', [told('presence', 10 * minute), told('receipt', 7 * day), message('"message"')])
    expect((await waitingFor(home, 'a.test', now + 9 * minute)).edus).to.deep.equal(['"presence"', '"receipt"', '"message"'])
    expect((await waitingFor(home, 'a.test', now + 10 * minute)).edus).to.deep.equal(['"receipt"', '"message"'])
    expect((await waitingFor(home, 'a.test', now + 90 * day)).edus).to.deep.equal(['"message"'])
    const { rows } = (await database.commit({ writes: [write(deleteStaleEdus, 'a.test', now + 7 * day)] })) as { rows?: unknown[] }
    expect(rows?.length).to.equal(2)
    expect((await waitingFor(home, 'a.test')).edus).to.deep.equal(['"message"'])
  })

  it('is found behind more than one transaction of what is of no use any more', async () => {
    const { database } = await open()
    const { home, put } = await openAway(database, { 'a.test': 1 })
    await put(1, 'a.test', [...Array.from({ length: 130 }, (_, number) => told(`presence ${number}`, 10 * minute)), message('"late"')])
    const first = await waitingFor(home, 'a.test', now + 11 * minute)
    expect(first).to.deep.equal({ edus: [], isAll: false, taken: 1 })
  })

  it('is of each user that their devices changed, once', async () => {
    const { database } = await open()
    const { home, put } = await openAway(database, { 'a.test': 60 })
    const changes = (...users: string[]) =>
      users.map((user, place) => ({ ...told(`m.device_list_update ${user}`, ever, true), text: `"${user}${place}"` }))
    await put(1, 'a.test', changes('alice', 'alice', 'bob', 'alice'))
    await put(2, 'a.test', changes('alice', 'carol', 'alice'))
    expect((await waitingFor(home, 'a.test')).edus).to.deep.equal(['"bob2"', '"carol1"', '"alice2"'])
  })

  it('is of large messages to devices as many as so many bytes hold', async () => {
    const { database } = await open()
    const { home, put } = await openAway(database, { 'a.test': 60 })
    const large = (digit: number) => message(`"${String(digit).repeat(998)}"`)
    await put(1, 'a.test', [told('receipt', ever), ...[1, 2, 3, 4].map(large)])
    await put(2, 'a.test', [5, 6].map(large))
    const left = async (mostAtOnce: number) => {
      await database.commit({ writes: [write(deleteOldestEdus, 'a.test', 'a.test', 100, 3999, mostAtOnce)] })
      return (await waitingFor(home, 'a.test')).edus.map((text) => text[1])
    }
    expect(await left(1)).to.deep.equal(['r', '2', '3', '4', '5', '6'])
    expect(await left(1000)).to.deep.equal(['r', '4', '5', '6'])
  })

  it('is every change of devices where a server takes what it is sent, so that it need not ask', async () => {
    const { database } = await open()
    const { outbox } = await openAway(database, {})
    const changes = Array.from({ length: 101 }, (_, number) => ({ ...told('m.device_list_update alice', ever, true), text: `${number}` }))
    const { writes } = outbox.put(1, new Map([['a.test', { pdus: [], edus: changes }]]))
    expect(writes.map(({ statement }) => statement.id)).to.deep.equal(changes.map(() => insertEdu.id))
  })
})

forEachEngine(
  'of very much that waits for a server',
  (open) => {
    it('the newest 10,000 messages to devices are kept; how many are given up is logged and counted', async () => {
      const { database } = await open()
      const { home, put, said, metrics } = await openAway(database, { 'a.test': 60, 'b.test': 60 })
      const many = (from: number, count: number) => Array.from({ length: count }, (_, number) => message(`${from + number}`))
      await put(1, 'b.test', many(0, 1))
      await put(1, 'a.test', [told('receipt', ever), ...many(0, 1)])
      await put(2, 'a.test', many(1, 10_500))
      expect(said.map(({ fields }) => fields)).to.deep.equal([{ destination: 'a.test', count: 501 }])
      expect(metrics.text()).to.include('tombolo_federation_dropped_messages_total 501')
      expect((await waitingFor(home, 'a.test')).edus.slice(0, 3)).to.deep.equal(['"receipt"', '501', '502'])
      expect((await waitingFor(home, 'b.test')).edus).to.deep.equal(['0'])
    })

    it('the newest events of each room are kept, beyond 20,000 also where it takes what it is sent, but slowly', async () => {
      const { database } = await open()
      const waiting = Array.from({ length: 19_999 }, (_, place) =>
        write(insertPdus, place + 1, `!${place % 3}:hs.test`, `$${place}`, ['a.test']),
      )
      await database.commit({ writes: waiting })
      const { outbox } = await openAway(database, {})
      const events = (...ids: string[]) =>
        ids.map((eventId, place) => ({ eventId, roomId: '!0:hs.test', position: 30_000 + place }) as unknown as TimelineEvent)
      const store = async (position: number, pdus: TimelineEvent[]) =>
        database.commit({ writes: outbox.put(position, new Map([['a.test', { pdus, edus: [] }]])).writes })
      await store(30_000, events('$one'))
      expect(await database.select(selectMissed, 'a.test', 10)).to.deep.equal([])
      await store(30_001, events('$one', '$two'))
      const missed = (await database.select(selectMissed, 'a.test', 10)).map((row) => row.event_id)
      expect(missed).to.deep.equal(['$19996', '$19997', '$two'])
    })
  },
  ['sqlite'],
)
