import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../support/server.ts'

for (const engine of engines) describe(`what the specification leaves open, on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })

  const room = async (body: object = { preset: 'public_chat' }): Promise<string> => (await alice.post('/createRoom', body)).body.room_id

  it('a join carries what its client adds, and nothing that says who may join or how the joiner is called', async () => {
    const roomId = await room()
    await bob.post(`/join/${roomId}`, { foo: 'bar', membership: 'ban', displayname: 'King', reason: 'here I am' })
    const { body } = await alice.get(`/rooms/${roomId}/state/m.room.member/${bob.userId}`)
    expect(body).to.deep.equal({ foo: 'bar', membership: 'join', reason: 'here I am' })
  })

  it('a deleted alias is named by its room no more', async () => {
    const roomId = await room()
    for (const name of ['main', 'side'])
      await alice.put(`/directory/room/${encodeURIComponent(`#${name}${people}:${server.config.server_name}`)}`, { room_id: roomId })
    const [main, side] = ['main', 'side'].map((name) => `#${name}${people}:${server.config.server_name}`)
    await alice.put(`/rooms/${roomId}/state/m.room.canonical_alias`, { alias: main, alt_aliases: [side] })
    await alice.delete(`/directory/room/${encodeURIComponent(main!)}`)
    const named = async () => (await alice.get(`/rooms/${roomId}/state/m.room.canonical_alias`)).body
    expect(await named()).to.deep.equal({ alt_aliases: [side] })
    await alice.delete(`/directory/room/${encodeURIComponent(side!)}`)
    expect(await named()).to.deep.equal({})
  })

  it('an ignored inviter is not heard of', async () => {
    await alice.put(`/user/${alice.userId}/account_data/m.ignored_user_list`, { ignored_users: { [bob.userId]: {} } })
    const carol = await server.register(`carol${people++}`)
    const since = (await alice.get('/sync')).body.next_batch
    const invite = { preset: 'private_chat', invite: [alice.userId] }
    const ignored = (await bob.post('/createRoom', invite)).body.room_id
    const welcome = (await carol.post('/createRoom', invite)).body.room_id
    for (const query of [{ since }, undefined]) {
      const { rooms } = (await alice.get('/sync', query === undefined ? {} : { query })).body
      expect(Object.keys(rooms.invite)).to.deep.equal([welcome])
      expect(rooms.invite).to.not.have.property(ignored)
    }
  })

  it('a name is known however it is written at a login', async () => {
    const user = alice.userId.toUpperCase().replace(server.config.server_name.toUpperCase(), server.config.server_name)
    const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: alice.password }
    expect((await server.anonymous.post('/login', login)).body.user_id).to.equal(alice.userId)
  })

  it('a device that logs in again goes on with its transaction ids', async () => {
    const roomId = await room()
    const path = `/rooms/${roomId}/send/m.room.message/once`
    const sent = (await alice.put(path, { msgtype: 'm.text', body: 'x' })).body.event_id
    const login = { type: 'm.login.password', user: alice.userId, password: alice.password, device_id: alice.deviceId }
    const again = server.as((await server.anonymous.post('/login', login)).body.access_token)
    expect((await again.put(path, { msgtype: 'm.text', body: 'x' })).body.event_id).to.equal(sent)
    expect((await again.get(`/rooms/${roomId}/event/${sent}`)).body.unsigned.transaction_id).to.equal('once')
    expect((await alice.get('/account/whoami')).body.errcode).to.equal('M_UNKNOWN_TOKEN')
  })

  it('a forgotten room is forbidden before anything is said about the question', async () => {
    const roomId = await room()
    await bob.post(`/join/${roomId}`)
    await bob.post(`/rooms/${roomId}/leave`)
    await bob.post(`/rooms/${roomId}/forget`)
    expect((await bob.get(`/rooms/${roomId}/messages`)).body.errcode).to.equal('M_FORBIDDEN')
    expect((await alice.get(`/rooms/${roomId}/messages`)).body.errcode).to.equal('M_MISSING_PARAM')
  })

  it('a room that was left is told with the leave in its state when its timeline is not wanted', async () => {
    const roomId = await room()
    await bob.post(`/join/${roomId}`)
    await bob.post(`/rooms/${roomId}/leave`)
    const filter = JSON.stringify({ room: { timeline: { limit: 0 }, include_leave: true } })
    const { timeline, state } = (await bob.get('/sync', { query: { filter } })).body.rooms.leave[roomId]
    expect(timeline.events).to.deep.equal([])
    const own = (state.events as { state_key: string; content: { membership: string } }[]).filter(
      ({ state_key }) => state_key === bob.userId,
    )
    expect(own.map(({ content }) => content.membership)).to.deep.equal(['leave'])
  })

  it('r0 is v3', async () => {
    const response = await fetch(`${server.url}/_matrix/client/r0/account/whoami`, { headers: { Authorization: `Bearer ${alice.token}` } })
    expect(((await response.json()) as { user_id: string }).user_id).to.equal(alice.userId)
  })
}
