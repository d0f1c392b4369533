import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('Refusals of events', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string

  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
    bob = await server.register('bob')
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
  })
  after(() => server.close())

  const outcome = ({ status, body }: { status: number; body: { errcode?: string } }) => `${status} ${body.errcode ?? ''}`.trim()

  it('are 413 M_TOO_LARGE for what is beyond the limits of an event', async () => {
    const long = 'x'.repeat(256)
    expect(outcome(await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'x'.repeat(65_000) }))).to.equal('413 M_TOO_LARGE')
    expect(outcome(await alice.put(`/rooms/${roomId}/send/${long}/2`, {}))).to.equal('413 M_TOO_LARGE')
    expect(outcome(await alice.put(`/rooms/${roomId}/state/a/${long}`, {}))).to.equal('413 M_TOO_LARGE')
    expect(outcome(await alice.post('/createRoom', { topic: 'x'.repeat(65_000) }))).to.equal('413 M_TOO_LARGE')
    expect(outcome(await alice.put(`/rooms/${roomId}/send/m.room.message/3`, { body: 'x'.repeat(64_000) }))).to.equal('200')
  })

  it('are 400 M_BAD_JSON for power levels that no sender could set, and 403 for those that this one may not', async () => {
    const set = async (content: object, user = alice, where = roomId) =>
      outcome(await user.put(`/rooms/${where}/state/m.room.power_levels`, content))
    const { body: current } = await alice.get(`/rooms/${roomId}/state/m.room.power_levels`)
    expect(await set({ ...current, users: { [alice.userId]: 100 } })).to.equal('400 M_BAD_JSON')
    expect(await set({ ...current, users: { bob: 1 } })).to.equal('400 M_BAD_JSON')
    expect(await set({ ...current, ban: '50' })).to.equal('400 M_BAD_JSON')
    expect(await set({ ...current, events: [] })).to.equal('400 M_BAD_JSON')
    await bob.post(`/join/${roomId}`)
    expect(await set({ ...current, ban: 0 }, bob)).to.equal('403 M_FORBIDDEN')
    const override = (room_version: string, users: object) =>
      alice.post('/createRoom', { room_version, power_level_content_override: { users } })
    expect(outcome(await override('12', { [alice.userId]: 100 }))).to.equal('400 M_BAD_JSON')
    expect(outcome(await override('11', { [alice.userId]: 100 }))).to.equal('200')
    expect(outcome(await override('11', { alice: 100 }))).to.equal('400 M_BAD_JSON')
  })

  it('meet a redaction of what makes the room, or of no event at all', async () => {
    for (const room_version of ['6', '10', '11', '12']) {
      const { room_id: id } = (await alice.post('/createRoom', { room_version })).body
      const { event_id: create } = (await alice.get(`/rooms/${id}/state/m.room.create`, { query: { format: 'event' } })).body
      expect(outcome(await alice.put(`/rooms/${id}/redact/${create}/1`, {}))).to.equal('403 M_FORBIDDEN')
      expect(outcome(await alice.put(`/rooms/${id}/send/m.room.redaction/2`, { redacts: create }))).to.equal('403 M_FORBIDDEN')
      for (const redacts of ['', 'x', 7, null, '\u0000'])
        expect(outcome(await alice.put(`/rooms/${id}/send/m.room.redaction/3`, { redacts }))).to.equal('400 M_BAD_JSON')
    }
  })

  it('do not meet the repetition of a request that was granted before', async () => {
    await bob.post(`/join/${roomId}`)
    const first = await bob.put(`/rooms/${roomId}/send/m.room.message/again`, { body: 'x' })
    await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })
    const again = await bob.put(`/rooms/${roomId}/send/m.room.message/again`, { body: 'x' })
    expect(again.body).to.deep.equal(first.body)
    expect(outcome(await bob.put(`/rooms/${roomId}/send/m.room.message/other`, { body: 'x' }))).to.equal('403 M_FORBIDDEN')
  })
})
