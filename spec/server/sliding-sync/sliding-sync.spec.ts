import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'
import { allRooms, bodiesIn, slidingReader, slidingSyncPath, speaker } from './sliding-reader.ts'

for (const engine of engines) {
  describe(`sliding sync on ${engine}`, () => {
    const { say, makeRoom } = speaker()
    let server: TestServer
    let alice: TestUser
    let bob: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
    })
    after(() => server?.close())
    let people = 0
    beforeEach(async () => {
      alice = await server.register(`alice${people++}`)
      bob = await server.register(`bob${people++}`)
    })

    it('is announced, and asks for a token', async () => {
      const { body } = await server.anonymous.get('/_matrix/client/versions')
      expect(body.unstable_features['org.matrix.simplified_msc3575']).to.equal(true)
      expect((await server.anonymous.post(slidingSyncPath, {})).body.errcode).to.equal('M_MISSING_TOKEN')
    })

    it('tells a room whole the first time, and then what changes in it', async () => {
      const roomId = await makeRoom(alice, { name: 'Lobby', topic: 'talk' })
      await bob.post(`/join/${roomId}`)
      await say(bob, roomId, 'hello')
      const reader = slidingReader(alice, allRooms({ timeline_limit: 1, required_state: [['m.room.topic', '']] }))
      const { lists, rooms, extensions } = await reader.next()
      expect(lists).to.deep.equal({ all: { count: 1 } })
      expect(extensions).to.deep.equal({})
      const room = rooms[roomId]
      expect(bodiesIn(room)).to.deep.equal(['hello'])
      expect(room).to.deep.include({ initial: true, name: 'Lobby', limited: true, num_live: 0, joined_count: 2, invited_count: 0 })
      expect(room).to.deep.include({ membership: 'join', notification_count: 1, highlight_count: 0, lists: ['all'] })
      expect(room.required_state.map((event: Body) => event.content.topic)).to.deep.equal(['talk'])
      expect(room).to.have.property('prev_batch')
      expect(room).not.to.have.any.keys('heroes', 'is_dm', 'avatar', 'unstable_expanded_timeline', 'invite_state')

      await say(bob, roomId, 'again')
      const { [roomId]: next } = (await reader.next()).rooms
      expect(bodiesIn(next)).to.deep.equal(['again'])
      expect(next).to.deep.include({ limited: false, num_live: 1, notification_count: 2 })
      expect(next.bump_stamp).to.be.greaterThan(room.bump_stamp)
      expect(next).not.to.have.any.keys('initial', 'name', 'required_state', 'joined_count', 'heroes')
      expect((await reader.next()).rooms).to.deep.equal({})
    })

    it('leads back into the room’s history, by prev_batch and by pos', async () => {
      const roomId = await makeRoom(alice)
      for (const body of ['one', 'two', 'three']) await say(alice, roomId, body)
      const reader = slidingReader(alice, allRooms({ timeline_limit: 1 }))
      const { pos, rooms } = await reader.next()
      const page = async (from: string) =>
        (await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', from, limit: '1' } })).body.chunk
      expect((await page(rooms[roomId].prev_batch))[0].content.body).to.equal('two')
      expect((await page(pos))[0].content.body).to.equal('three')
    })

    it('tells the same again to a client that did not get the answer', async () => {
      const roomId = await makeRoom(alice)
      const reader = slidingReader(alice, allRooms())
      await reader.next()
      await say(alice, roomId, 'lost')
      expect(bodiesIn((await reader.next()).rooms[roomId])).to.deep.equal(['lost'])
      await say(alice, roomId, 'later')
      expect(bodiesIn((await reader.again()).rooms[roomId])).to.deep.equal(['lost', 'later'])
      expect((await reader.next()).rooms).to.deep.equal({})
    })

    it('says M_UNKNOWN_POS to what it has not given out, and to what was replaced', async () => {
      await makeRoom(alice)
      const refused = async (user: TestUser, pos: string, body: object = allRooms()) => {
        const { status, body: answer } = await user.post(slidingSyncPath, body, { query: { pos } })
        return `${status} ${answer.errcode}`
      }
      const reader = slidingReader(alice, allRooms())
      const first = (await reader.next()).pos
      await reader.next()
      await reader.next()
      expect(await refused(alice, first)).to.equal('400 M_UNKNOWN_POS')
      expect(await refused(alice, 'nonsense')).to.equal('400 M_UNKNOWN_POS')
      expect(await refused(bob, reader.pos()!)).to.equal('400 M_UNKNOWN_POS')
      expect(await refused(alice, reader.pos()!, { ...allRooms(), conn_id: 'other' })).to.equal('400 M_UNKNOWN_POS')
      const second = slidingReader(alice, allRooms())
      await second.next()
      expect(await refused(alice, reader.pos()!)).to.equal('400 M_UNKNOWN_POS')
    })

    it('does not say txn_id back, which would promise to remember what was asked', async () => {
      expect(await slidingReader(alice).next({ txn_id: 'm1' })).to.have.all.keys('pos', 'lists', 'rooms', 'extensions')
    })

    it('takes pos and timeout from the body as well', async () => {
      const roomId = await makeRoom(alice)
      const { body: first } = await alice.post(slidingSyncPath, allRooms())
      const poll = alice.post(slidingSyncPath, { ...allRooms(), pos: first.pos, timeout: 170_000 })
      await say(alice, roomId, 'here')
      expect(bodiesIn((await poll).body.rooms[roomId])).to.deep.equal(['here'])
    })

    it('keeps connections of one device apart', async () => {
      const roomId = await makeRoom(alice)
      const list = slidingReader(alice, { conn_id: 'room-list', ...allRooms() })
      const other = slidingReader(alice, { conn_id: 'notifications', ...allRooms() })
      await list.next()
      await other.next()
      await say(alice, roomId, 'to both')
      expect(bodiesIn((await list.next()).rooms[roomId])).to.deep.equal(['to both'])
      expect(bodiesIn((await other.next()).rooms[roomId])).to.deep.equal(['to both'])
      expect((await list.next()).rooms).to.deep.equal({})
    })

    it('waits for something to tell, and is woken by it alone', async () => {
      const roomId = await makeRoom(alice)
      const elsewhere = await makeRoom(bob)
      await bob.post(`/join/${roomId}`)
      const reader = slidingReader(alice, allRooms())
      await reader.next()
      const poll = reader.next({}, { timeout: '170000' })
      await say(bob, elsewhere, 'not for alice')
      await say(bob, roomId, 'for alice')
      const { rooms } = await poll
      expect(Object.keys(rooms)).to.deep.equal([roomId])
      expect(bodiesIn(rooms[roomId])).to.deep.equal(['for alice'])
    })

    it('answers at once when what is asked for changes', async () => {
      const [first, second] = [await makeRoom(alice, { topic: 'old' }), await makeRoom(alice)]
      for (const body of ['1', '2', '3']) await say(alice, first, body)
      await say(alice, second, 'newest')
      const narrow = { ranges: [[0, 0]], timeline_limit: 1 }
      const reader = slidingReader(alice)
      expect(Object.keys((await reader.next(allRooms(narrow))).rooms)).to.deep.equal([second])
      const wait = { timeout: '170000' }
      const subscribed = { room_subscriptions: { [first]: { timeline_limit: 1, required_state: [] } } }
      const { rooms } = await reader.next({ ...allRooms(narrow), ...subscribed }, wait)
      expect(Object.keys(rooms)).to.deep.equal([first])
      expect(rooms[first]).to.deep.include({ initial: true, num_live: 0 })
      expect(rooms[first]).not.to.have.property('lists')

      const wider = { room_subscriptions: { [first]: { timeline_limit: 3, required_state: [['m.room.topic', '']] } } }
      const room = (await reader.next({ ...allRooms(narrow), ...wider }, wait)).rooms[first]
      expect(bodiesIn(room)).to.deep.equal(['1', '2', '3'])
      expect(room).to.deep.include({ unstable_expanded_timeline: true, num_live: 0, limited: true })
      expect(room.required_state.map((event: Body) => event.content.topic)).to.deep.equal(['old'])
      expect(room).not.to.have.property('initial')
      expect((await reader.next({ ...allRooms(narrow), ...wider })).rooms).to.deep.equal({})
    })

    it('ends a poll when the client asks anew, and loses nothing by it', async () => {
      const roomId = await makeRoom(alice)
      const reader = slidingReader(alice, allRooms())
      const { pos } = await reader.next()
      const ask = (timeout: string) => alice.post(slidingSyncPath, allRooms(), { query: { pos, timeout } })
      const first = ask('20000')
      const second = ask('20000')
      expect((await first).body.rooms).to.deep.equal({})
      await say(alice, roomId, 'here')
      expect(bodiesIn((await second).body.rooms[roomId])).to.deep.equal(['here'])
    })

    it('begins anew after a restart, and has lost no message to the device by it', async () => {
      const roomId = await makeRoom(alice)
      const toDevice = (since?: string) => ({ extensions: { to_device: { enabled: true, since } } })
      const notes = ({ extensions }: Body): number[] => extensions.to_device.events.map((event: Body) => event.content.n)
      const send = (n: number) =>
        bob.put(`/sendToDevice/x.note/restart${people}${n}`, { messages: { [alice.userId]: { [alice.deviceId]: { n } } } })
      const { pos, ...first } = await slidingReader(alice, allRooms()).next(toDevice())
      await send(1)
      const told = await alice.post(
        slidingSyncPath,
        { ...allRooms(), ...toDevice(first.extensions.to_device.next_batch) },
        { query: { pos } },
      )
      expect(notes(told.body)).to.deep.equal([1])
      await send(2)
      server = await server.restart()
      const client = server.as(alice.token)
      const body = { ...allRooms(), ...toDevice(first.extensions.to_device.next_batch) }
      expect((await client.post(slidingSyncPath, body, { query: { pos: told.body.pos } })).body.errcode).to.equal('M_UNKNOWN_POS')
      const anew = await slidingReader(client, allRooms()).next(toDevice(first.extensions.to_device.next_batch))
      expect(notes(anew)).to.deep.equal([1, 2])
      expect(anew.rooms[roomId].initial).to.equal(true)
    })

    it('serves the three connections of one device that poll side by side', async () => {
      const roomId = await makeRoom(alice)
      await bob.post(`/join/${roomId}`)
      const on = { enabled: true }
      const list = slidingReader(alice, { conn_id: 'room-list', ...allRooms(), extensions: { typing: on } })
      const encryption = slidingReader(alice, { conn_id: 'encryption', extensions: { to_device: on, e2ee: on } })
      const invites = { ranges: [[0, 16]], timeline_limit: 0, required_state: [], filters: { is_invite: true } }
      const notifications = slidingReader(alice, { conn_id: 'notifications', lists: { invites } })
      for (const reader of [list, encryption, notifications]) await reader.next()
      const wait = { timeout: '170000' }
      const polls = [list.next({}, wait), encryption.next({}, wait), notifications.next({}, wait)] as const
      const other = await makeRoom(bob, { preset: 'private_chat' })
      await bob.post(`/rooms/${other}/invite`, { user_id: alice.userId })
      expect(Object.keys((await polls[2]).rooms)).to.deep.equal([other])
      expect(Object.keys((await polls[0]).rooms)).to.deep.equal([other])
      await bob.put(`/sendToDevice/x.note/side${people}`, { messages: { [alice.userId]: { '*': {} } } })
      const { extensions, rooms } = await polls[1]
      expect(extensions.to_device.events).to.have.length(1)
      expect(rooms).to.deep.equal({})
    })
  })
}
