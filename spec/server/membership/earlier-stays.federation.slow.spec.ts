import { expect } from 'chai'
import { type Neighbours, startNeighbours, syncUntil } from '../../support/federation.ts'
import type { Body, TestServer, TestUser } from '../../support/server.ts'

describe('What somebody was in a room of another server before they left it', () => {
  let neighbours: Neighbours
  let alice: TestUser
  let bob: TestUser
  let room: string
  let count = 0

  beforeEach(async () => {
    neighbours = (await startNeighbours(2)) as Neighbours
    const [one, two] = neighbours.servers as [TestServer, TestServer]
    alice = await one.register('alice')
    bob = await two.register('bob')
    const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
    room = (await alice.post('/createRoom', { preset: 'private_chat', initial_state: [visibility] })).body.room_id
  })

  afterEach(() => neighbours.close())

  const act = (what: string) => alice.post(`/rooms/${room}/${what}`, { user_id: bob.userId })
  const told = (find: (rooms: Body) => Body | undefined) => syncUntil(bob, ({ rooms = {} }) => find(rooms))
  const invite = async () => {
    await act('invite')
    await told(({ invite }) => invite?.[room])
  }
  const say = async (user: TestUser) =>
    (await user.put(`/rooms/${room}/send/m.room.message/${count++}`, { msgtype: 'm.text', body: 'a word' })).body.event_id as string
  const sees = async (eventId: string) => (await bob.get(`/rooms/${room}/event/${eventId}`)).status === 200
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const stay = async () => {
    await bob.post(`/join/${room}`, {})
    const said = await say(bob)
    expect(await sees(said)).to.equal(true)
    return said
  }

  it('still lets them read what they could, whatever they are told from outside, and when they come back', async () => {
    await invite()
    const first = await stay()
    await bob.post(`/rooms/${room}/leave`, {})
    await until(async () => (await alice.get(`/rooms/${room}/state/m.room.member/${bob.userId}`)).body.membership === 'leave')
    const unseen = await say(alice)
    await invite()
    expect(await sees(first), 'invited again').to.equal(true)
    expect((await bob.get(`/rooms/${room}/state`)).status, 'as of the leave').to.equal(200)
    await bob.post(`/rooms/${room}/leave`, {})
    expect(await sees(first), 'declined').to.equal(true)
    expect(await sees(unseen)).to.equal(false)
    await invite()
    const second = await stay()
    expect(await sees(first), 'come back').to.equal(true)
    await bob.get(`/rooms/${room}/messages?dir=b&limit=100`)
    expect(await sees(unseen), 'what was said meanwhile').to.equal(false)
    await act('ban')
    await until(async () => (await bob.get('/joined_rooms')).body.joined_rooms.length === 0)
    await act('unban')
    await invite()
    const third = await stay()
    const { body } = await bob.get(`/rooms/${room}/messages?dir=b&limit=100`)
    const ids = body.chunk.filter(({ type }: Body) => type === 'm.room.message').map(({ event_id }: Body) => event_id)
    expect(ids, 'after a ban that nobody said was lifted').to.deep.equal([third, second, first])
  })
})
