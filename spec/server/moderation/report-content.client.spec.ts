import { expect } from 'chai'
import { statement } from '../../../server/storage/database.ts'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

const selectReports = statement<[], { reporter: string; kind: string; room_id: string; event_id: string; user_id: string; reason: string }>(
  'SELECT reporter, kind, room_id, event_id, user_id, reason FROM reports ORDER BY received_at, kind',
)

for (const engine of engines) describe(`reports on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let eventId: string
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
    bob = await server.register('bob')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    eventId = (await alice.put(`/rooms/${roomId}/send/m.room.message/t1`, { msgtype: 'm.text', body: 'buy this' })).body.event_id
  })
  after(() => server?.close())

  it('of an event are for those who are in the room and may see it', async () => {
    const report = () => bob.post(`/rooms/${roomId}/report/${eventId}`, { reason: 'spam' })
    expect((await report()).status).to.equal(404)
    await bob.post(`/join/${roomId}`)
    expect((await report()).status).to.equal(200)
    expect((await bob.post(`/rooms/${roomId}/report/$none`, {})).status).to.equal(404)
    await bob.post(`/rooms/${roomId}/leave`)
    expect((await report()).status).to.equal(404)
  })

  it('of rooms and users are for those that there are', async () => {
    expect((await bob.post(`/rooms/${roomId}/report`, { reason: '' })).status).to.equal(200)
    expect((await bob.post('/rooms/!none:hs.test/report', { reason: '' })).status).to.equal(404)
    expect((await bob.post(`/users/${alice.userId}/report`, { reason: 'rude' })).status).to.equal(200)
    expect((await bob.post('/users/@nobody:hs.test/report', { reason: 'rude' })).status).to.equal(404)
    expect((await bob.post('/users/alice/report', { reason: 'rude' })).status).to.equal(400)
  })

  it('are kept for the operator, who reads in the log that there is one', async () => {
    const rows = await server.server.home.database.select(selectReports)
    expect(rows.map(({ kind }) => kind)).to.deep.equal(['event', 'room', 'user'])
    expect(rows[0]).to.deep.equal({
      reporter: bob.userId,
      kind: 'event',
      room_id: roomId,
      event_id: eventId,
      user_id: alice.userId,
      reason: 'spam',
    })
    expect(server.log()).to.include('something was reported').and.not.include('rude')
  })

  it('are refused when they are no reports', async () => {
    for (const body of [{ reason: 1 }, { reason: 'x'.repeat(9000) }]) {
      expect((await bob.post(`/users/${alice.userId}/report`, body)).status).to.equal(400)
    }
  })
}
