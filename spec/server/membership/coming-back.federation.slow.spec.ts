import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import { type Body, type Engine, engines, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`coming back to rooms of other servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let neighbours: Neighbours
  let there: TestServer
  let alice: TestUser
  let bob: TestUser
  let carol: TestUser
  let roomId: string
  let people = 0
  before(async function () {
    const started = await startNeighbours(2, engine)
    if (started === undefined) return this.skip()
    neighbours = started
    there = started.servers[1] as TestServer
  })
  after(() => neighbours?.close())
  beforeEach(async () => {
    alice = await neighbours.servers[0]!.register(`alice${people}`)
    bob = await there.register(`bob${people}`)
    carol = await there.register(`carol${people++}`)
    roomId = (await alice.post('/createRoom', { name: 'First name', invite: [bob.userId] })).body.room_id
    await bob.post(`/join/${roomId}`)
  })
  const invite = (user: TestUser) => alice.post(`/rooms/${roomId}/invite`, { user_id: user.userId })
  const nameIn = (invited: Body) => invited.invite_state.events.find(({ type }: Body) => type === 'm.room.name').content.name
  const membershipOf = async (user: TestUser) => (await alice.get(`/rooms/${roomId}/state/m.room.member/${user.userId}`)).body.membership
  const becomes = async (user: TestUser, membership: string) => {
    let since = ''
    while ((await membershipOf(user)) !== membership) {
      since = (await alice.get('/sync', { query: since === '' ? {} : { since, timeout: '500' } })).body.next_batch
    }
  }

  it('shows an invitation to a room that was left long ago as the room is now, and leads into it', async () => {
    await bob.post(`/rooms/${roomId}/leave`)
    await becomes(bob, 'leave')
    await alice.put(`/rooms/${roomId}/state/m.room.name`, { name: 'Second name' })
    const { body } = await bob.get('/sync')
    expect((await invite(bob)).status).to.equal(200)
    const invited = await syncUntil(bob, ({ rooms }) => rooms?.invite?.[roomId], body.next_batch)
    expect(nameIn(invited)).to.equal('Second name')
    expect((await bob.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    expect(await membershipOf(bob)).to.equal('leave')
    await invite(bob)
    expect((await bob.post(`/rooms/${roomId}/join`)).status).to.equal(200)
    expect((await bob.get(`/rooms/${roomId}/state/m.room.name`)).body).to.deep.equal({ name: 'Second name' })
    expect((await bob.get('/sync')).body.rooms.invite).to.equal(undefined)
  })

  it('shows an invitation to a room that this server is in, which may be declined', async () => {
    expect((await invite(carol)).status).to.equal(200)
    const invited = await syncUntil(carol, ({ rooms }) => rooms?.invite?.[roomId])
    expect(nameIn(invited)).to.equal('First name')
    expect((await carol.post(`/rooms/${roomId}/leave`)).status).to.equal(200)
    await becomes(carol, 'leave')
  })

  it('lets one user in while another still has an invitation of before', async () => {
    await bob.post(`/rooms/${roomId}/leave`)
    await becomes(bob, 'leave')
    await invite(carol)
    await invite(bob)
    await syncUntil(carol, ({ rooms }) => rooms?.invite?.[roomId])
    expect((await bob.post(`/rooms/${roomId}/join`)).status).to.equal(200)
    expect(nameIn(await syncUntil(carol, ({ rooms }) => rooms?.invite?.[roomId]))).to.equal('First name')
    expect((await carol.post(`/rooms/${roomId}/join`)).status).to.equal(200)
    await becomes(carol, 'join')
  })

  it('keeps a newer invitation when the end of an earlier one comes late', async () => {
    const { outside, memberships } = there.server.graph
    const event = (eventId: EventId, membership: string) => ({ eventId, pdu: pduOf(carol.userId, membership) })
    const note = { userId: carol.userId, roomId: '!elsewhere' as RoomId, version: '12', servers: [], state: [] }
    await outside.note({ ...note, event: event('$first', 'invite') })
    expect(await outside.note({ ...note, event: event('$second', 'invite') })).to.equal(true)
    expect(await outside.note({ ...note, event: event('$end', 'leave'), instead: '$first' })).to.equal(false)
    expect((await memberships(carol.userId)).get('!elsewhere')).to.include({ membership: 'invite', eventId: '$second' })
    expect(await outside.note({ ...note, event: event('$end', 'leave'), instead: '$second' })).to.equal(true)
    expect((await memberships(carol.userId)).get('!elsewhere')).to.include({ membership: 'leave', eventId: '$end' })
  })

  it('believes the room once it is in it, rather than what was said of it from outside', async () => {
    await bob.post(`/rooms/${roomId}/leave`)
    await becomes(bob, 'leave')
    const event = { eventId: '$forged', pdu: pduOf(carol.userId, 'invite') } as const
    await there.server.graph.outside.note({ userId: carol.userId, roomId: roomId as RoomId, version: '12', event, servers: [], state: [] })
    const { body } = await carol.get('/sync')
    expect(body.rooms.invite).to.have.property(roomId)
    await invite(bob)
    await bob.post(`/join/${roomId}`)
    const { rooms } = (await carol.get('/sync', { query: { since: body.next_batch } })).body
    expect(rooms.leave[roomId].timeline.events).to.deep.equal([])
    expect((await carol.get('/sync')).body.rooms?.invite).to.equal(undefined)
    expect((await carol.post(`/join/${roomId}`)).body.errcode).to.equal('M_FORBIDDEN')
    await invite(carol)
    expect(nameIn(await syncUntil(carol, ({ rooms }) => rooms?.invite?.[roomId]))).to.equal('First name')
    expect((await carol.post(`/join/${roomId}`)).status).to.equal(200)
  })
}

/** As somebody elsewhere would say it. */
function pduOf(userId: UserId, membership: string): Pdu {
  return {
    type: 'm.room.member',
    room_id: '!elsewhere',
    sender: '@mallory:elsewhere.test',
    state_key: userId,
    content: { membership },
    auth_events: [],
    prev_events: [],
    depth: 1,
    origin_server_ts: 1,
    hashes: { sha256: '' },
    signatures: {},
  }
}
