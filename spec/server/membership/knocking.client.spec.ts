import { expect } from 'chai'
import { type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`knocking on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let people = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  const roomWith = async (join_rule: string, more: object = {}) =>
    (await alice.post('/createRoom', { name: 'A room', initial_state: [{ type: 'm.room.join_rules', content: { join_rule } }], ...more }))
      .body.room_id as string
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
    roomId = await roomWith('knock', { room_alias_name: `room${people}` })
  })

  const membershipOf = async (user: TestUser) => (await alice.get(`/rooms/${roomId}/state/m.room.member/${user.userId}`)).body
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  it('asks members to be let in, with a reason, by id and by alias, and again', async () => {
    expect((await bob.post(`/knock/${roomId}`, { reason: 'please' })).body).to.deep.equal({ room_id: roomId })
    expect(await membershipOf(bob)).to.include({ membership: 'knock', reason: 'please' })
    expect((await bob.post(`/knock/${encodeURIComponent(`#room${people}:hs.test`)}`, { reason: 'once more' })).status).to.equal(200)
    expect(await membershipOf(bob)).to.include({ membership: 'knock', reason: 'once more' })
  })

  it('is told in sync with stripped state, and lets nobody in by itself', async () => {
    await bob.post(`/knock/${roomId}`, {}, { query: { via: 'elsewhere.test', server_name: 'old.test' } })
    const { knock } = (await bob.get('/sync')).body.rooms
    const types = knock[roomId].knock_state.events.map((event: { type: string }) => event.type)
    expect(types).to.include.members(['m.room.create', 'm.room.name', 'm.room.join_rules', 'm.room.member'])
    expect(code(await bob.post(`/join/${roomId}`))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await bob.get(`/rooms/${roomId}/state`))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('is accepted by an invitation, withdrawn by a leave, rejected by a kick', async () => {
    await bob.post(`/knock/${roomId}`)
    expect((await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })).status).to.equal(200)
    expect((await bob.post(`/join/${roomId}`)).status).to.equal(200)
    await bob.post(`/rooms/${roomId}/leave`)
    await bob.post(`/knock/${roomId}`)
    expect((await bob.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    expect(await membershipOf(bob)).to.include({ membership: 'leave' })
    await bob.post(`/knock/${roomId}`)
    expect((await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId, reason: 'no' })).status).to.equal(200)
    expect(await membershipOf(bob)).to.include({ membership: 'leave', reason: 'no' })
    expect((await bob.get('/sync')).body.rooms?.knock?.[roomId]).to.equal(undefined)
  })

  it('is refused where the rules do not have it, to those banned, invited or in, and in rooms too old for it', async () => {
    for (const rule of ['public', 'invite', 'restricted']) {
      expect(code(await bob.post(`/knock/${await roomWith(rule)}`)), rule).to.deep.equal([403, 'M_FORBIDDEN'])
    }
    const old = await roomWith('knock', { room_version: '6' })
    expect(code(await bob.post(`/knock/${old}`))).to.deep.equal([403, 'M_FORBIDDEN'])
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    expect(code(await bob.post(`/knock/${roomId}`))).to.deep.equal([403, 'M_FORBIDDEN'])
    await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
    expect(code(await bob.post(`/knock/${roomId}`))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await alice.post(`/knock/${roomId}`))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('finds knock_restricted rooms open to knocks since version 10', async () => {
    const restricted = await roomWith('knock_restricted', { room_version: '10' })
    expect((await bob.post(`/knock/${restricted}`)).status).to.equal(200)
    const older = await roomWith('knock_restricted', { room_version: '9' })
    expect(code(await bob.post(`/knock/${older}`))).to.deep.equal([403, 'M_FORBIDDEN'])
  })

  it('says when there is no such room', async () => {
    expect(code(await bob.post('/knock/!nothing:hs.test'))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await bob.post(`/knock/${encodeURIComponent('#nothing:hs.test')}`))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await bob.post('/knock/nothing'))).to.deep.equal([400, 'M_INVALID_PARAM'])
    expect(code(await bob.post(`/knock/${roomId}`, { reason: 7 }))).to.deep.equal([400, 'M_BAD_JSON'])
  })
}
