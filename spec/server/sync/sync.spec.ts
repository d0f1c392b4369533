import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`/sync on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser

    before(async function () {
      const started = await startServer({ engine: engine as 'sqlite' })
      if (started === undefined) return this.skip()
      server = started
      alice = await server.register('alice')
      bob = await server.register('bob')
    })
    after(() => server?.close())

    const sync = async (user: TestUser, since = '', more: Record<string, string> = {}): Promise<Body> =>
      (await server.as(user.token).get('/sync', { query: { ...(since === '' ? {} : { since }), ...more } })).body
    let transactions = 0
    const say = async (user: TestUser, roomId: string, body: string): Promise<string> =>
      (await server.as(user.token).put(`/rooms/${roomId}/send/m.room.message/t${transactions++}`, { msgtype: 'm.text', body })).body
        .event_id
    const publicRoom = async (user: TestUser, more: object = {}): Promise<string> =>
      (await server.as(user.token).post('/createRoom', { preset: 'public_chat', ...more })).body.room_id
    const filterOf = (filter: object) => ({ filter: JSON.stringify(filter) })
    const bodiesOf = (room: Body) => room?.timeline.events.flatMap((event: Body) => event.content.body ?? [])

    it('wakes a long poll for a message, and for nothing that is not its own', async () => {
      const roomId = await publicRoom(alice)
      const other = await publicRoom(alice)
      await bob.post(`/join/${roomId}`)
      const { next_batch: since } = await sync(bob)
      const poll = sync(bob, since, { timeout: '170000' })
      await say(alice, other, 'not for bob')
      await say(alice, roomId, 'for bob')
      const { rooms } = await poll
      expect(Object.keys(rooms.join)).to.deep.equal([roomId])
      expect(bodiesOf(rooms.join[roomId])).to.deep.equal(['for bob'])
      expect(rooms.join[roomId].unread_notifications.notification_count).to.equal(1)
    })

    it('tells the transaction id to the session that sent, and to no other', async () => {
      const roomId = await publicRoom(alice)
      const { next_batch: since } = await sync(alice)
      const eventId = await say(alice, roomId, 'mine')
      const again = await server.anonymous.post('/login', {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'alice' },
        password: alice.password,
      })
      const mine = (await sync(alice, since)).rooms.join[roomId].timeline.events.find((event: Body) => event.event_id === eventId)
      expect(mine.unsigned.transaction_id).to.be.a('string')
      const second = (await server.as(again.body.access_token).get('/sync')).body.rooms.join[roomId].timeline.events
      expect(second.find((event: Body) => event.event_id === eventId).unsigned.transaction_id).to.equal(undefined)
    })

    it('cuts a long gap, says so, gives a token for what lies before, and the state that changed in it', async () => {
      const roomId = await publicRoom(alice)
      await bob.post(`/join/${roomId}`)
      const { next_batch: since } = await sync(bob)
      await alice.put(`/rooms/${roomId}/state/m.room.topic/`, { topic: 'in the gap' })
      for (let n = 0; n < 8; n++) await say(alice, roomId, `${n}`)
      const room = (await sync(bob, since, filterOf({ room: { timeline: { limit: 3 } } }))).rooms.join[roomId]
      expect(bodiesOf(room)).to.deep.equal(['5', '6', '7'])
      expect(room.timeline.limited).to.equal(true)
      expect(room.state.events.map((event: Body) => event.type)).to.deep.equal(['m.room.topic'])
      const before = await bob.get(`/rooms/${roomId}/messages`, {
        query: { dir: 'b', from: room.timeline.prev_batch, to: since, limit: '50' },
      })
      expect(before.body.chunk.flatMap((event: Body) => event.content.body ?? [])).to.deep.equal(['4', '3', '2', '1', '0'])
    })

    it('does not lose a state change that the timeline filter takes out', async () => {
      const roomId = await publicRoom(alice)
      const { next_batch: since } = await sync(alice)
      await alice.put(`/rooms/${roomId}/state/m.room.topic/`, { topic: 'filtered' })
      await say(alice, roomId, 'kept')
      const room = (await sync(alice, since, filterOf({ room: { timeline: { types: ['m.room.message'] } } }))).rooms.join[roomId]
      expect(bodiesOf(room)).to.deep.equal(['kept'])
      expect(room.state.events.map((event: Body) => event.content.topic)).to.deep.equal(['filtered'])
    })

    it('gives the state before the timeline, or after it under the name that was asked for, never both', async () => {
      const roomId = await publicRoom(alice, { topic: 'first' })
      for (let n = 0; n < 10; n++) await say(alice, roomId, `${n}`)
      await alice.put(`/rooms/${roomId}/state/m.room.topic/`, { topic: 'second' })
      const topicIn = (events: Body[]) => events.find((event) => event.type === 'm.room.topic').content.topic
      const plain = (await sync(alice)).rooms.join[roomId]
      expect(topicIn(plain.state.events)).to.equal('first')
      for (const [flag, name] of [
        ['use_state_after', 'state_after'],
        ['org.matrix.msc4222.use_state_after', 'org.matrix.msc4222.state_after'],
      ] as const) {
        const room = (await sync(alice, '', { [flag]: 'true' })).rooms.join[roomId]
        expect(topicIn(room[name].events)).to.equal('second')
        expect(room.state).to.equal(undefined)
      }
    })

    it('tells a room that was joined since whole, and an invitation as stripped state', async () => {
      const roomId = (await alice.post('/createRoom', { name: 'Den', invite: [bob.userId] })).body.room_id
      const first = await sync(bob)
      const stripped = first.rooms.invite[roomId].invite_state.events
      expect(stripped.map((event: Body) => event.type)).to.include.members([
        'm.room.create',
        'm.room.name',
        'm.room.join_rules',
        'm.room.member',
      ])
      expect(stripped.every((event: Body) => event.origin_server_ts === undefined)).to.equal(true)
      await bob.post(`/rooms/${roomId}/join`)
      const second = await sync(bob, first.next_batch)
      const room = second.rooms.join[roomId]
      const types = [...room.state.events, ...room.timeline.events].map((event: Body) => event.type)
      expect(types).to.include.members(['m.room.create', 'm.room.power_levels', 'm.room.name'])
      expect((await sync(bob, second.next_batch)).rooms).to.equal(undefined)
    })

    it('shows somebody who was kicked the leave and nothing after it', async () => {
      const roomId = await publicRoom(alice)
      await bob.post(`/join/${roomId}`)
      const { next_batch: since } = await sync(bob)
      await say(alice, roomId, 'before')
      await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId, reason: 'so' })
      await say(alice, roomId, 'after')
      const { rooms } = await sync(bob, since)
      expect(rooms.join).to.equal(undefined)
      const { events } = rooms.leave[roomId].timeline
      expect(events.map((event: Body) => event.content.body ?? event.content.membership)).to.deep.equal(['before', 'leave'])
    })

    it('loads members lazily: those who speak, and oneself', async () => {
      const roomId = await publicRoom(alice)
      await bob.post(`/join/${roomId}`)
      for (let n = 0; n < 12; n++) await say(alice, roomId, `${n}`)
      const lazy = filterOf({ room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } })
      const first = await sync(bob, '', lazy)
      const members = (room: Body) =>
        room.state.events.filter((event: Body) => event.type === 'm.room.member').map((event: Body) => event.state_key)
      expect(members(first.rooms.join[roomId]).sort()).to.deep.equal([alice.userId, bob.userId])
      expect(first.rooms.join[roomId].summary['m.joined_member_count']).to.equal(2)
    })

    it('goes on where it was after a restart of the server', async () => {
      const roomId = await publicRoom(alice)
      await bob.post(`/join/${roomId}`)
      const { next_batch: since } = await sync(bob)
      await say(alice, roomId, 'one')
      server = await server.restart()
      const after = server.as(bob.token)
      const { body } = await after.get('/sync', { query: { since } })
      expect(bodiesOf(body.rooms.join[roomId])).to.deep.equal(['one'])
    })

    it('wakes those who share a room with a user whose device goes, though that user was in no memory yet', async () => {
      const roomId = await publicRoom(alice)
      await server.as(bob.token).post(`/join/${roomId}`)
      const second = await server.anonymous.post('/login', {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'alice' },
        password: alice.password,
      })
      const { next_batch: since } = await sync(bob)
      server = await server.restart()
      const poll = server.as(bob.token).get('/sync', { query: { since, timeout: '170000' } })
      await server.as(second.body.access_token).post('/logout')
      expect((await poll).body.device_lists?.changed).to.deep.equal([alice.userId])
    })

    it('refuses what it cannot read with the right words', async () => {
      const client = server.as(alice.token)
      const queries: Record<string, string>[] = [
        { since: 'nonsense' },
        { since: 's1_99999999999999999999' },
        { timeout: '-1' },
        { filter: '{' },
        { filter: 'none' },
      ]
      for (const query of queries) {
        const { status, body } = await client.get('/sync', { query })
        expect([status, String(body.errcode).startsWith('M_')], JSON.stringify(query)).to.deep.equal([400, true])
      }
    })
  })
}
