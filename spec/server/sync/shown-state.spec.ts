import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`The state that /sync shows on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let carol: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
      bob = await server.register('bob')
      carol = await server.register('carol')
    })
    after(() => server?.close())

    const sync = async (user: TestUser, since = '', filter: object = {}, more: Record<string, string> = {}): Promise<Body> =>
      (await user.get('/sync', { query: { filter: JSON.stringify(filter), ...(since === '' ? {} : { since }), ...more } })).body
    let transactions = 0
    const say = (user: TestUser, roomId: string, body: string) =>
      user.put(`/rooms/${roomId}/send/m.room.message/t${transactions++}`, { msgtype: 'm.text', body })
    const topic = (roomId: string, text: string) => alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: text })
    const makeRoom = async (visibility: string, more: object = {}): Promise<string> => {
      const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: visibility } }]
      return (await alice.post('/createRoom', { preset: 'public_chat', name: 'Pub', initial_state, ...more })).body.room_id
    }
    const told = (events: Body[], type: string) => events.filter((event) => event.type === type).map((event) => event.content)

    it('is whole for a member who may read nothing from before the join', async () => {
      const roomId = await makeRoom('joined')
      await bob.post(`/join/${roomId}`)
      for (const filter of [{}, { room: { state: { lazy_load_members: true } } }]) {
        const { timeline, state } = (await sync(bob, '', filter)).rooms.join[roomId]
        expect(timeline.limited).to.equal(true)
        // The name was set when the history was no longer for those who come later.
        expect(told(timeline.events, 'm.room.name')).to.deep.equal([])
        expect(told(state.events, 'm.room.name')).to.deep.equal([{ name: 'Pub' }])
        expect(told([...state.events, ...timeline.events], 'm.room.create')).to.have.length(1)
      }
    })

    it('holds on a first sync what the timeline’s filter takes out', async () => {
      const roomId = await makeRoom('shared')
      await say(alice, roomId, 'hello')
      const room = (await sync(alice, '', { room: { timeline: { types: ['m.room.message'] } } })).rooms.join[roomId]
      expect(told(room.timeline.events, 'm.room.message')).to.have.length(1)
      expect(told(room.state.events, 'm.room.name')).to.deep.equal([{ name: 'Pub' }])
      expect(told(room.state.events, 'm.room.create')).to.have.length(1)
    })

    it('stands before a timeline for which the filter looked past what it does not want', async () => {
      const roomId = await makeRoom('shared')
      for (const body of ['first', 'second', 'third']) await say(alice, roomId, body)
      const { next_batch: since } = await sync(alice)
      for (const body of ['fourth', 'fifth', 'sixth']) await say(alice, roomId, body)
      await topic(roomId, 'talk')
      for (let at = 0; at < 12; at++) await alice.put(`/rooms/${roomId}/send/x.noise/n${transactions++}`, {})
      const filter = { room: { timeline: { types: ['m.room.message'], limit: 2 } } }
      for (const from of ['', since]) {
        const { timeline, state } = (await sync(alice, from, filter)).rooms.join[roomId]
        expect(timeline.events.map((event: Body) => event.content.body)).to.deep.equal(['fifth', 'sixth'])
        expect(timeline.limited).to.equal(true)
        expect(told(state.events, 'm.room.topic')).to.deep.equal([{ topic: 'talk' }])
        const query = { dir: 'b', from: timeline.prev_batch, limit: '1' }
        expect((await alice.get(`/rooms/${roomId}/messages`, { query })).body.chunk[0].content.body).to.equal('fourth')
      }
    })

    it('is none of the room’s for whoever was only invited and said no', async () => {
      const roomId = await makeRoom('shared', { preset: 'private_chat' })
      const { next_batch: since } = await sync(bob)
      for (let at = 0; at < 12; at++) await topic(roomId, `secret ${at}`)
      await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
      await bob.post(`/rooms/${roomId}/leave`)
      const left = (await sync(bob, since)).rooms.leave[roomId]
      expect(left.timeline.events.map((event: Body) => event.content.membership)).to.deep.equal(['invite', 'leave'])
      expect(JSON.stringify(left)).to.not.contain('secret')
      const archived = await sync(bob, '', { room: { include_leave: true } })
      expect(JSON.stringify(archived.rooms.leave[roomId])).to.not.contain('secret')
    })

    it('is that of the leave in a room that was left, before the timeline or after it', async () => {
      const roomId = await makeRoom('shared')
      await bob.post(`/join/${roomId}`)
      const { next_batch: since } = await sync(bob)
      await topic(roomId, 'seen')
      await say(alice, roomId, 'seen')
      await bob.post(`/rooms/${roomId}/leave`)
      await topic(roomId, 'unseen')
      const one = { room: { include_leave: true, timeline: { limit: 1 } } }
      const archived = (await sync(bob, '', one)).rooms.leave[roomId]
      expect(told(archived.state.events, 'm.room.topic')).to.deep.equal([{ topic: 'seen' }])
      expect(JSON.stringify(archived)).to.contain('seen').and.not.contain('unseen')
      expect(told(archived.state.events, 'm.room.name')).to.deep.equal([{ name: 'Pub' }])
      const cut = (await sync(bob, since, one)).rooms.leave[roomId]
      expect(told(cut.state.events, 'm.room.topic')).to.have.length(1)
      const after = (await sync(bob, since, {}, { use_state_after: 'true' })).rooms.leave[roomId]
      expect(told(after.state_after.events, 'm.room.topic')).to.have.length(1)
      expect(told(after.state_after.events, 'm.room.member').map((content) => content.membership)).to.deep.equal(['leave'])
      const filtered = { room: { state: { types: ['m.room.name'] }, timeline: { limit: 1 } } }
      expect((await sync(bob, since, filtered)).rooms.leave[roomId].state.events).to.deep.equal([])
    })

    it('comes with a gap for whoever comes back, since what was told before is told again', async () => {
      const roomId = await makeRoom('shared')
      await bob.post(`/join/${roomId}`)
      await sync(bob)
      await bob.post(`/rooms/${roomId}/leave`)
      const { next_batch: since } = await sync(bob)
      await bob.post(`/join/${roomId}`)
      const room = (await sync(bob, since, { room: { timeline: { limit: 50 } } })).rooms.join[roomId]
      expect(room.timeline.limited).to.equal(true)
    })

    it('holds no words of a replaced event that was redacted, neither from memory nor from disk', async () => {
      const roomId = await makeRoom('shared')
      const secret = (await topic(roomId, 'the secret')).body.event_id
      await topic(roomId, 'harmless')
      await alice.put(`/rooms/${roomId}/redact/${secret}/r${transactions++}`, {})
      expect(JSON.stringify((await sync(alice, '', { room: { timeline: { limit: 50 } } })).rooms.join[roomId])).to.not.contain('the secret')
      expect((await alice.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '50' } })).text).to.not.contain('the secret')
    })

    it('counts a mention of the room as a highlight when its sender may notify the room, and only then', async () => {
      const roomId = await makeRoom('shared')
      for (const user of [bob, carol]) await user.post(`/join/${roomId}`)
      const shout = (user: TestUser) =>
        user.put(`/rooms/${roomId}/send/m.room.message/t${transactions++}`, {
          msgtype: 'm.text',
          body: '@room',
          'm.mentions': { room: true },
        })
      await shout(carol)
      const unread = async () => (await sync(bob)).rooms.join[roomId].unread_notifications
      expect(await unread()).to.deep.equal({ notification_count: 1, highlight_count: 0 })
      await shout(alice)
      expect(await unread()).to.deep.equal({ notification_count: 2, highlight_count: 1 })
    })
  })
}
