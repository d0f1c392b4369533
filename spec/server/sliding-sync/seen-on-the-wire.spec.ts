import { expect } from 'chai'
import { type Body, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { bodiesIn, slidingReader, speaker } from './sliding-reader.ts'

const required_state = [
  ['m.room.name', ''],
  ['m.room.encryption', ''],
  ['m.room.member', '$LAZY'],
  ['m.room.member', '$ME'],
  ['m.room.topic', ''],
  ['m.room.power_levels', ''],
  ['org.matrix.msc3401.call.member', '*'],
  ['m.room.join_rules', ''],
  ['m.room.create', ''],
  ['io.element.functional_members', ''],
  ['m.space.child', '*'],
]
const extensions = { account_data: { enabled: true }, receipts: { enabled: true, rooms: ['*'] }, typing: { enabled: true } }
const listOf = (...range: number[]) => ({ lists: { all_rooms: { ranges: [range], timeline_limit: 1, required_state, filters: {} } } })
const membersIn = (room: Body): string[] =>
  room.required_state.flatMap(({ type, state_key }: Body) => (type === 'm.room.member' ? [state_key] : [])).sort()
const typesIn = (events: Body[]): string[] => events.map(({ type }) => type)

/** What matrix-rust-sdk 0.18, which Element X is built on, was seen to ask of sliding sync, and lives by. */
describe('what was seen on the wire of sliding sync', () => {
  const { say, makeRoom } = speaker()
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0

  before(async () => {
    server = await startServer()
  })
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })
  after(() => server?.close())

  it('4: the room list begins with one room, grows, and gives each one event with its sender and oneself', async () => {
    const rooms = []
    for (const name of ['First', 'Second']) {
      const roomId = await makeRoom(bob, { name })
      await alice.post(`/join/${roomId}`)
      for (const body of ['not shown', name]) await say(bob, roomId, body)
      rooms.push(roomId)
    }
    const [first = '', second = ''] = rooms
    const reader = slidingReader(alice, { conn_id: 'room-list', extensions })
    const narrow = await reader.next(listOf(0, 0))
    expect([Object.keys(narrow.rooms), narrow.lists.all_rooms.count]).to.deep.equal([[second], 2])
    const wide = await reader.next(listOf(0, 19))
    expect(Object.keys(wide.rooms)).to.deep.equal([first])
    for (const [{ rooms: told }, roomId, name] of [[narrow, second, 'Second'] as const, [wide, first, 'First'] as const]) {
      expect(bodiesIn(told[roomId])).to.deep.equal([name])
      expect(membersIn(told[roomId])).to.deep.equal([alice.userId, bob.userId].sort())
      expect(typesIn(told[roomId].required_state)).to.include.members(['m.room.create', 'm.room.power_levels', 'm.room.join_rules'])
    }
  })

  it('4: a room that is opened is told with twenty events; account data, receipts and typing of it come along', async () => {
    const roomId = await makeRoom(alice, { name: 'Opened' })
    await bob.post(`/join/${roomId}`)
    for (let at = 1; at <= 22; at++) await say(bob, roomId, `${at}`)
    const reader = slidingReader(alice, { conn_id: 'room-list', extensions, ...listOf(0, 19) })
    const { rooms, extensions: first } = await reader.next()
    expect(bodiesIn(rooms[roomId])).to.deep.equal(['22'])
    expect(typesIn(first.account_data.global)).to.include('m.push_rules')
    const room_subscriptions = { [roomId]: { timeline_limit: 20, required_state } }
    const { [roomId]: opened } = (await reader.next({ room_subscriptions })).rooms
    expect(bodiesIn(opened)).to.deep.equal(Array.from({ length: 20 }, (_, at) => `${at + 3}`))
    const last = opened.timeline.at(-1).event_id
    await bob.post(`/rooms/${roomId}/receipt/m.read/${last}`)
    const { receipts } = (await reader.next({ room_subscriptions })).extensions
    expect(Object.keys(receipts.rooms[roomId].content[last]['m.read'])).to.deep.equal([bob.userId])
    const poll = reader.next({ room_subscriptions }, { timeout: '20000' })
    await bob.put(`/rooms/${roomId}/typing/${bob.userId}`, { typing: true, timeout: 20_000 })
    expect((await poll).extensions.typing.rooms[roomId].content.user_ids).to.deep.equal([bob.userId])
  })

  it('4: a push handler asks on a fresh connection for invitations and for the room of a message', async () => {
    const roomId = await makeRoom(bob, { name: 'Pushed' })
    await alice.post(`/join/${roomId}`)
    await say(bob, roomId, 'look here')
    const invited = await makeRoom(bob, { preset: 'private_chat', invite: [alice.userId] })
    const { rooms } = await slidingReader(alice, { conn_id: 'notifications', extensions: { account_data: { enabled: true } } }).next({
      lists: { invites: { ranges: [[0, 16]], timeline_limit: 8, required_state, filters: { is_invite: true } } },
      room_subscriptions: { [roomId]: { timeline_limit: 16, required_state } },
    })
    expect(Object.keys(rooms)).to.have.members([roomId, invited])
    expect(bodiesIn(rooms[roomId])).to.deep.equal(['look here'])
    expect(typesIn(rooms[roomId].required_state)).to.include('m.room.power_levels')
    expect(rooms[invited]).to.have.property('invite_state')
  })

  it('5: invited and knocked rooms carry stripped state, and a room without a name the names of its heroes', async () => {
    await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bob' })
    const invited = await makeRoom(bob, { preset: 'private_chat', name: 'Invited', invite: [alice.userId] })
    const knock = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
    const knocked = await makeRoom(bob, { preset: 'private_chat', name: 'Knocked', initial_state: [knock] })
    await alice.post(`/knock/${knocked}`, {})
    const unnamed = await makeRoom(bob)
    await alice.post(`/join/${unnamed}`)
    const { rooms } = await slidingReader(alice, { conn_id: 'room-list' }).next(listOf(0, 19))
    const nameIn = (stripped: Body[]) => stripped.find(({ type }) => type === 'm.room.name')?.content.name
    const names = [invited, knocked].map((roomId) => nameIn(rooms[roomId].invite_state))
    expect(names).to.deep.equal(['Invited', 'Knocked'])
    expect(rooms[unnamed].heroes).to.deep.equal([{ user_id: bob.userId, displayname: 'Bob' }])
  })

  it('5: a client may drop its pos at any time, and is told all anew on the same connection', async () => {
    const roomId = await makeRoom(alice, { name: 'Anew' })
    await say(alice, roomId, 'said once')
    const reader = slidingReader(alice, { conn_id: 'room-list', ...listOf(0, 19) })
    await reader.next()
    expect((await reader.next()).rooms).to.deep.equal({})
    const anew = slidingReader(alice, { conn_id: 'room-list', ...listOf(0, 19) })
    const { [roomId]: room } = (await anew.next()).rooms
    expect(room).to.deep.include({ initial: true, name: 'Anew' })
    expect(bodiesIn(room)).to.deep.equal(['said once'])
    expect((await anew.next()).rooms).to.deep.equal({})
  })
})
