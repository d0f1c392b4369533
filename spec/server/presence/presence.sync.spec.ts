import { expect } from 'chai'
import type { UserId } from '../../../server/core/ids.ts'
import { upsertPresence } from '../../../server/presence/presence.store.ts'
import { presenceSection } from '../../../server/presence/presence.sync.ts'
import { createPresences } from '../../../server/presence/presence.ts'
import { type Database, write } from '../../../server/storage/database.ts'
import { graphOver, member, publicRoom, user } from '../../support/graph.ts'
import { forEachEngine, quietTools } from '../../support/storage.ts'

const alice = user('alice')
const crowd = Array.from({ length: 60 }, (_, number) => user(`u${number}`))
const [late, again, passing] = [user('late'), user('again'), user('passing')]

function named(userId: UserId, displayname: string) {
  return { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'join', displayname } }
}

forEachEngine('presence in the next answer', (open) => {
  it('comes with those who joined, at the same cost however many changed their names meanwhile', async () => {
    const { database, notifier } = await open()
    const writer = graphOver({ database, notifier })
    const members = [...crowd, again].map((one) => member(one, one, 'join'))
    const [touched, other] = [await publicRoom(writer, alice, members), await publicRoom(writer, alice)]
    const present = [...crowd, late, again, passing]
    await database.commit({
      writes: present.map((one, row) => write(upsertPresence, one, 'online', null, 0, 0, row)),
      log: present.map((key) => ({ kind: 'presence', key })),
    })
    let reads = 0
    const select: Database['select'] = (of, ...parameters) => {
      reads++
      return database.select(of, ...parameters)
    }
    const counted = { ...database, select }
    const { log } = quietTools([])
    const clock = { now: () => 0, sleep: () => Promise.resolve() }
    const presences = createPresences({
      database,
      clock,
      log: { ...log, info: log.warn, debug: log.warn, flush: () => {}, writes: () => false },
    })
    const section = presenceSection({ database: counted, notifier, clock }, graphOver({ database: counted, notifier }), presences)
    const after = notifier.position()
    const come = (one: UserId) => member(one, one, 'join')
    const go = (one: UserId) => member(one, one, 'leave')
    await writer.append(touched, [
      ...crowd.map((one) => named(one, 'renamed')),
      come(late),
      go(again),
      come(again),
      come(passing),
      go(passing),
    ])
    await writer.append(other, [come(crowd[0]!)])
    reads = 0
    const piece = await section.between({
      audience: { kind: 'device', userId: alice, deviceId: undefined },
      after,
      upTo: notifier.position(),
      rows: undefined,
      rooms: new Set([touched]),
      newRooms: new Set(),
    })
    const senders = (piece as { presence: { sender: UserId }[] }).presence.map(({ sender }) => sender)
    expect(senders.sort()).to.deep.equal([again, late])
    expect(reads).to.be.lessThan(5)
  })
})
