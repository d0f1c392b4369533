import { expect } from 'chai'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { type Body, type Engine, engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`knocking on rooms of other servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let neighbours: Neighbours
  let alice: TestUser
  let bob: TestUser
  let via: string
  let roomId: string
  let people = 0
  before(async function () {
    const started = await startNeighbours(2, engine)
    if (started === undefined) return this.skip()
    neighbours = started
  })
  after(() => neighbours?.close())
  const roomWith = async (join_rule: string, more: object = {}) =>
    (await alice.post('/createRoom', { name: 'A room', initial_state: [{ type: 'm.room.join_rules', content: { join_rule } }], ...more }))
      .body.room_id as string
  beforeEach(async () => {
    const [here, there] = neighbours.servers
    alice = await here!.register(`alice${people}`)
    bob = await there!.register(`bob${people++}`)
    via = here!.server.home.serverName
    roomId = await roomWith('knock', { room_alias_name: `room${people}` })
  })

  const knock = (room = roomId, body: object = {}, query: Record<string, string> = { via }) =>
    bob.post(`/knock/${encodeURIComponent(room)}`, body, { query })
  const membershipOf = async () => (await alice.get(`/rooms/${roomId}/state/m.room.member/${bob.userId}`)).body
  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]

  it('asks its members to be let in, and shows what room it is', async () => {
    expect((await knock(roomId, { reason: 'please' })).body).to.deep.equal({ room_id: roomId })
    expect(await membershipOf()).to.include({ membership: 'knock', reason: 'please' })
    const { knock: knocks } = (await bob.get('/sync')).body.rooms
    const events: Body[] = knocks[roomId].knock_state.events
    expect(events.map(({ type }) => type)).to.include.members(['m.room.create', 'm.room.name', 'm.room.join_rules'])
    expect(events.at(-1)).to.deep.include({ state_key: bob.userId, sender: bob.userId })
  })

  it('goes by an alias, and by the former name of the parameter, and again', async () => {
    expect((await knock(`#room${people}:${via}`, {}, {})).body).to.deep.equal({ room_id: roomId })
    expect((await knock(roomId, { reason: 'once more' }, { server_name: via })).status).to.equal(200)
    expect((await knock(roomId, { reason: 'and again' }, {})).status).to.equal(200)
    expect(await membershipOf()).to.include({ membership: 'knock', reason: 'and again' })
  })

  it('is accepted by an invitation, taken back by a leave, turned down by a kick', async () => {
    await knock()
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    await syncUntil(bob, ({ rooms }) => rooms?.invite?.[roomId])
    expect((await bob.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    await knock()
    expect((await bob.post(`/rooms/${roomId}/leave`, { reason: 'never mind' })).status).to.equal(200)
    expect(await membershipOf()).to.include({ membership: 'leave', reason: 'never mind' })
    await knock()
    const { body } = await bob.get('/sync')
    await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId, reason: 'no' })
    const left = await syncUntil(bob, ({ rooms }) => rooms?.leave?.[roomId], body.next_batch)
    expect(left.timeline.events[0].content).to.deep.equal({ membership: 'leave', reason: 'no' })
    expect((await bob.get('/sync')).body.rooms?.knock).to.equal(undefined)
  })

  it('is taken back when the account ends', async () => {
    await knock()
    await bob.post('/account/deactivate', {
      auth: { type: 'm.login.password', identifier: { type: 'm.id.user', user: bob.userId }, password: bob.password },
    })
    expect(await membershipOf()).to.include({ membership: 'leave' })
  })

  it('is refused where the rules do not have it, to those banned, and where nobody knows the room', async () => {
    expect(code(await knock(await roomWith('public')))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await knock(await roomWith('knock', { room_version: '6' })))).to.deep.equal([400, 'M_INCOMPATIBLE_ROOM_VERSION'])
    expect(code(await knock('!nothing:hs.test'))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await knock(roomId, {}, {}))).to.deep.equal([404, 'M_NOT_FOUND'])
    await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
    expect(code(await knock())).to.deep.equal([403, 'M_FORBIDDEN'])
    expect((await bob.get('/sync')).body.rooms?.knock).to.equal(undefined)
  })

  it('is refused to servers that the room does not let in', async () => {
    const [, there] = neighbours.servers
    const host = there!.server.home.serverName.split(':')[0]
    await alice.put(`/rooms/${roomId}/state/m.room.server_acl`, { allow: ['*'], deny: [host] })
    expect(code(await knock())).to.deep.equal([403, 'M_FORBIDDEN'])
  })
}
