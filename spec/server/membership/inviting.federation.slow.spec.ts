import { expect } from 'chai'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { type Body, type Engine, engines, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`inviting users of other servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let neighbours: Neighbours
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async function () {
    const started = await startNeighbours(2, engine)
    if (started === undefined) return this.skip()
    neighbours = started
  })
  after(() => neighbours?.close())
  beforeEach(async () => {
    const [here, there] = neighbours.servers
    alice = await here!.register(`alice${people}`)
    bob = await there!.register(`bob${people++}`)
  })

  const roomOf = async (more: object = {}) => (await alice.post('/createRoom', { name: 'A room', ...more })).body.room_id as string
  const membershipOf = async (roomId: string, userId: string) => (await alice.get(`/rooms/${roomId}/state/m.room.member/${userId}`)).body
  const inviteOf = (roomId: string) => syncUntil(bob, ({ rooms }) => rooms?.invite?.[roomId])

  it('shows them the room, whom it is from and why, and lets them in', async () => {
    const roomId = await roomOf({ topic: 'Things' })
    const invited = await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId, reason: 'come' })
    expect(invited.body).to.deep.equal({})
    expect(await membershipOf(roomId, bob.userId)).to.include({ membership: 'invite', reason: 'come' })
    const { body } = await bob.get('/sync')
    const events: Body[] = body.rooms.invite[roomId].invite_state.events
    const types = events.map(({ type, state_key }) => [type, state_key])
    expect(types).to.deep.include.members([
      ['m.room.create', ''],
      ['m.room.name', ''],
      ['m.room.topic', ''],
      ['m.room.join_rules', ''],
      ['m.room.member', alice.userId],
    ])
    expect(events.at(-1)).to.deep.include({
      state_key: bob.userId,
      sender: alice.userId,
      content: { membership: 'invite', reason: 'come' },
    })
    for (const event of events) expect(event).to.have.all.keys('type', 'state_key', 'sender', 'content')
    expect((await bob.post(`/rooms/${roomId}/join`)).body).to.deep.equal({ room_id: roomId })
    expect(await membershipOf(roomId, bob.userId)).to.include({ membership: 'join' })
    const after = (await bob.get('/sync', { query: { since: body.next_batch } })).body.rooms
    expect(after.join).to.have.property(roomId)
    expect(after.invite).to.equal(undefined)
  })

  it('is declined over the server that invited, and is gone from sync', async () => {
    const roomId = await roomOf()
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    const { body } = await bob.get('/sync')
    expect((await bob.post(`/rooms/${roomId}/leave`, { reason: 'no' })).status).to.equal(200)
    expect(await membershipOf(roomId, bob.userId)).to.include({ membership: 'leave', reason: 'no' })
    const { rooms } = (await bob.get('/sync', { query: { since: body.next_batch } })).body
    const [leave] = rooms.leave[roomId].timeline.events
    expect(leave).to.deep.include({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'leave', reason: 'no' } })
    expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
    expect((await bob.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    expect((await bob.post(`/rooms/${roomId}/forget`)).status).to.equal(200)
  })

  it('is declined also when nobody is in the room any more', async () => {
    const roomId = await roomOf()
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    await alice.post(`/rooms/${roomId}/leave`)
    const { body } = await bob.get('/sync')
    expect((await bob.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    const { rooms } = (await bob.get('/sync', { query: { since: body.next_batch } })).body
    expect(rooms.leave[roomId].timeline.events[0].content).to.deep.equal({ membership: 'leave' })
  })

  it('is taken back, and can be said again', async () => {
    const roomId = await roomOf()
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    const { body } = await bob.get('/sync')
    expect((await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId, reason: 'a mistake' })).status).to.equal(200)
    const left = await syncUntil(bob, ({ rooms }) => rooms?.leave?.[roomId], body.next_batch)
    expect(left.timeline.events[0]).to.deep.include({ sender: alice.userId, content: { membership: 'leave', reason: 'a mistake' } })
    expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    await inviteOf(roomId)
    expect((await bob.post(`/join/${roomId}`)).status).to.equal(200)
  })

  it('is made with a new room, as the direct chat it is', async () => {
    const roomId = await roomOf({ invite: [bob.userId, '@nobody:localhost:1'], is_direct: true, preset: 'trusted_private_chat' })
    const { invite_state } = await inviteOf(roomId)
    expect(invite_state.events.at(-1)).to.deep.include({ content: { membership: 'invite', is_direct: true } })
    expect((await bob.post(`/join/${roomId}`)).status).to.equal(200)
  })

  it('is made by setting the membership, and told to sliding sync, which hears of its end', async () => {
    const roomId = await roomOf()
    const sliding = (pos?: string) =>
      bob.post(
        '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
        { lists: { all: { ranges: [[0, 9]], timeline_limit: 5, required_state: [] } } },
        { query: { timeout: '0', ...(pos === undefined ? {} : { pos }) } },
      )
    const { pos } = (await sliding()).body
    const set = await alice.put(`/rooms/${roomId}/state/m.room.member/${bob.userId}`, { membership: 'invite' })
    expect(set.body.event_id).to.match(/^\$/)
    const delayed = { query: { 'org.matrix.msc4140.delay': '1000' } }
    const later = await alice.put(`/rooms/${roomId}/state/m.room.member/${bob.userId}`, { membership: 'invite' }, delayed)
    expect(later.body.errcode).to.equal('M_FORBIDDEN')
    const told = (await sliding(pos)).body
    expect(told.rooms[roomId].invite_state.map(({ type }: Body) => type)).to.include.members(['m.room.create', 'm.room.name'])
    await bob.post(`/rooms/${roomId}/leave`)
    const { rooms } = (await sliding(told.pos)).body
    expect(rooms[roomId].timeline[0]).to.deep.include({ content: { membership: 'leave' }, state_key: bob.userId })
  })

  it('is listed with the kind of room that it is for', async () => {
    const space = await roomOf({ creation_content: { type: 'm.space' }, invite: [bob.userId] })
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const secret = await roomOf({ initial_state: [encryption], invite: [bob.userId] })
    const list = (filters: object) => ({ ranges: [[0, 9]], timeline_limit: 1, required_state: [], filters })
    const lists = {
      spaces: list({ room_types: ['m.space'] }),
      rooms: list({ not_room_types: ['m.space'] }),
      secret: list({ is_encrypted: true }),
    }
    const one = async (name: keyof typeof lists) =>
      Object.keys(
        (await bob.post('/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', { lists: { [name]: lists[name] } })).body.rooms,
      )
    expect(await one('spaces')).to.deep.equal([space])
    expect(await one('rooms')).to.deep.equal([secret])
    expect(await one('secret')).to.deep.equal([secret])
  })

  it('is refused to those who may not invite, whom the user has blocked, and for users that there are not', async () => {
    const roomId = await roomOf()
    const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
    const invite = (user_id: string, as = alice) => as.post(`/rooms/${roomId}/invite`, { user_id })
    const server = bob.userId.slice(bob.userId.indexOf(':') + 1)
    expect(code(await invite(`@nobody:${server}`))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await invite('@nobody:localhost:1'))).to.deep.equal([502, 'M_UNKNOWN'])
    await bob.put(`/user/${bob.userId}/account_data/m.invite_permission_config`, { default_action: 'block' })
    expect(code(await invite(bob.userId))).to.deep.equal([403, 'M_INVITE_BLOCKED'])
    const ours = await roomOf({ creation_content: { 'm.federate': false } })
    await bob.put(`/user/${bob.userId}/account_data/m.invite_permission_config`, {})
    expect(code(await alice.post(`/rooms/${ours}/invite`, { user_id: bob.userId }))).to.deep.equal([403, 'M_FORBIDDEN'])
    const carol = await neighbours.servers[0]!.register(`carol${people}`)
    expect(code(await invite(bob.userId, carol))).to.deep.equal([403, 'M_FORBIDDEN'])
    await alice.put(`/rooms/${roomId}/state/m.room.power_levels`, { invite: 50, users: {} })
    await invite(carol.userId)
    await carol.post(`/join/${roomId}`)
    expect(code(await invite(bob.userId, carol))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
  })

  it('is told to those who ask in the old way, and ended by a ban', async () => {
    const roomId = await roomOf()
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    const [room] = (await bob.get('/initialSync')).body.rooms
    expect(room).to.deep.include({ room_id: roomId, membership: 'invite' })
    expect(room.invite).to.include({ state_key: bob.userId, sender: alice.userId })
    const { body } = await bob.get('/sync')
    await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
    const left = await syncUntil(bob, ({ rooms }) => rooms?.leave?.[roomId], body.next_batch)
    expect(left.timeline.events[0].content).to.include({ membership: 'ban' })
    expect((await bob.post(`/rooms/${roomId}/leave`)).body.errcode).to.equal('M_FORBIDDEN')
  })
}
