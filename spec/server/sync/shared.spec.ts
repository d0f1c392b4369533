import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer } from '../../support/server.ts'

for (const engine of engines) describe(`many who listen to a room, on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())

  it('hear the same, but for what is theirs alone', async () => {
    const [alice, bob, carol] = [await server.register('alice'), await server.register('bob'), await server.register('carol')]
    const roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/join/${roomId}`)
    const since = (await alice.get('/sync')).body.next_batch
    await alice.put(`/rooms/${roomId}/send/m.room.message/mine`, { msgtype: 'm.text', body: `hello ${bob.userId}` })
    await carol.post(`/join/${roomId}`)
    const upTo = (await bob.get('/sync')).body.next_batch
    const heard = async (user: typeof alice, filter?: object) =>
      (await user.get('/sync', { query: { since, ...(filter === undefined ? {} : { filter: JSON.stringify(filter) }) } })).body.rooms.join[
        roomId
      ]
    const [hers, his, late] = await Promise.all([heard(alice), heard(bob), heard(carol)])
    expect(hers.timeline.events.map(({ type }: { type: string }) => type)).to.deep.equal(['m.room.message', 'm.room.member'])
    expect(hers.timeline.events[0].unsigned.transaction_id).to.equal('mine')
    expect(his.timeline.events[0].unsigned).to.not.have.property('transaction_id')
    expect([hers, his].map((room) => room.unread_notifications.notification_count)).to.deep.equal([0, 1])
    expect(late.timeline.events.length).to.be.greaterThan(2)
    const nothing = await heard(bob, { room: { timeline: { types: ['m.room.topic'] } } })
    expect(nothing.timeline.events).to.deep.equal([])
    await alice.put(`/rooms/${roomId}/redact/${hers.timeline.events[0].event_id}/gone`, {})
    const again = await bob.get('/sync', { query: { since: upTo } })
    expect(again.body.rooms.join[roomId].timeline.events[0].type).to.equal('m.room.redaction')
    expect((await heard(bob)).timeline.events[0].content).to.deep.equal({})
  })
}
