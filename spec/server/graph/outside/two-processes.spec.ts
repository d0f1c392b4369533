import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../../server/core/ids.ts'
import type { Pdu } from '../../../../server/core/pdu.ts'
import { createHomeserver, type Homeserver } from '../../../../server/homeserver.ts'
import { createLog } from '../../../../server/http/log.ts'
import { startServer, type TestServer, type TestUser } from '../../../support/server.ts'

describe('rooms that a server of two processes is not in', () => {
  const roomId: RoomId = '!elsewhere'
  let first: TestServer
  let second: Homeserver
  let bob: TestUser
  before(async function () {
    const started = await startServer({ engine: 'postgres' })
    if (!started) return this.skip()
    first = started
    second = await createHomeserver(first.config, { log: createLog({ level: 'error', format: 'text', write: () => undefined }) })
    bob = await first.register('bob')
  })
  after(async () => {
    await second?.close()
    await first?.close()
  })

  const pdu = (sender: UserId, membership: string): Pdu => ({
    type: 'm.room.member',
    room_id: roomId,
    sender,
    state_key: bob.userId,
    content: { membership },
    auth_events: [],
    prev_events: [],
    depth: 1,
    origin_server_ts: 1,
    hashes: { sha256: '' },
    signatures: {},
  })
  const note = (by: Pick<Homeserver, 'graph'>, eventId: EventId, event: Pdu, instead?: EventId) =>
    by.graph.outside.note({
      userId: bob.userId,
      roomId,
      version: '12',
      event: { eventId, pdu: event },
      servers: ['elsewhere.test'],
      state: [{ type: 'm.room.name', state_key: '', sender: '@alice:elsewhere.test', content: { name: 'Elsewhere' } }],
      ...(instead === undefined ? {} : { instead }),
    })

  it('are told by either, as the other heard of them, and end once', async () => {
    expect((await second.graph.memberships(bob.userId)).size).to.equal(0)
    const { home } = second
    expect(await note(first.server, '$invite', pdu('@alice:elsewhere.test', 'invite'))).to.equal(true)
    const noted = (await first.server.graph.memberships(bob.userId)).get(roomId)
    expect(await home.notifier.reached(noted!.position, 10_000)).to.equal(true)
    const membership = (await second.graph.memberships(bob.userId)).get(roomId)
    expect(membership).to.include({ membership: 'invite', eventId: '$invite', sender: '@alice:elsewhere.test' })
    const outside = await second.graph.outside.find(bob.userId, roomId)
    expect(outside?.state).to.deep.equal((await first.server.graph.outside.find(bob.userId, roomId))?.state)
    expect(outside?.servers).to.deep.equal(['elsewhere.test'])

    const ended = await Promise.all([
      note(first.server, '$endedByFirst', pdu(bob.userId, 'leave'), '$invite'),
      note(second, '$endedBySecond', pdu(bob.userId, 'leave'), '$invite'),
    ])
    expect(ended.filter(Boolean)).to.have.length(1)
    const over = (await (ended[0] ? first.server : second).graph.memberships(bob.userId)).get(roomId)
    for (const { home } of [first.server, second]) expect(await home.notifier.reached(over!.position, 10_000)).to.equal(true)
    const end = ended[0] ? '$endedByFirst' : '$endedBySecond'
    for (const { graph } of [first.server, second]) expect((await graph.memberships(bob.userId)).get(roomId)?.eventId).to.equal(end)
  })
})
