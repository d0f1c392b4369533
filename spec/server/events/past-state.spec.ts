import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`States of the past on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
      bob = await server.register('bob')
    })
    after(() => server?.close())

    let transactions = 0
    const say = async (user: TestUser, roomId: string, body = 'x'): Promise<string> =>
      (await user.put(`/rooms/${roomId}/send/m.room.message/t${transactions++}`, { msgtype: 'm.text', body })).body.event_id
    const topic = (roomId: string, text: string) => alice.put(`/rooms/${roomId}/state/m.room.topic`, { topic: text })
    const makeRoom = async (visibility = 'shared'): Promise<string> => {
      const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: visibility } }]
      return (await alice.post('/createRoom', { preset: 'public_chat', initial_state })).body.room_id
    }
    const members = async (user: TestUser, roomId: string, at: string) => {
      const { status, body } = await user.get(`/rooms/${roomId}/members`, { query: { at } })
      return status === 200 ? body.chunk.map((event: Body) => [event.state_key, event.content.membership]).sort() : status
    }

    it('stop for somebody who left at the last event that they may see, in /context and in lazily loaded members', async () => {
      const roomId = await makeRoom()
      await bob.post(`/join/${roomId}`)
      const seen = await say(alice, roomId)
      await bob.post(`/rooms/${roomId}/leave`)
      await topic(roomId, 'a secret topic')
      await alice.put(`/rooms/${roomId}/state/m.room.member/${alice.userId}`, { membership: 'join', displayname: 'a secret name' })
      const filter = JSON.stringify({ lazy_load_members: true })
      const context = await bob.get(`/rooms/${roomId}/context/${seen}`, { query: { limit: '10' } })
      expect(context.body.events_after.map((event: Body) => event.content.membership)).to.deep.equal(['leave'])
      const lazy = await bob.get(`/rooms/${roomId}/context/${seen}`, { query: { limit: '10', filter } })
      const messages = await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', limit: '50', filter } })
      expect(messages.body.state.map((event: Body) => event.state_key)).to.include(alice.userId)
      for (const { text } of [context, lazy, messages]) expect(text).to.not.contain('a secret')
    })

    it('give the members at a token of /sync, its prev_batch included', async () => {
      const roomId = await makeRoom()
      const first = (await alice.get('/sync')).body
      await bob.post(`/join/${roomId}`)
      for (let at = 0; at < 3; at++) await say(alice, roomId)
      const filter = JSON.stringify({ room: { timeline: { limit: 2 } } })
      const { timeline } = (await alice.get('/sync', { query: { filter } })).body.rooms.join[roomId]
      const alone = [[alice.userId, 'join']]
      expect(await members(alice, roomId, first.next_batch)).to.deep.equal(alone)
      expect(await members(alice, roomId, timeline.prev_batch)).to.deep.equal([...alone, [bob.userId, 'join']])
      expect(await members(alice, roomId, 's1_0')).to.deep.equal([])
      expect(await members(alice, roomId, 'nonsense')).to.equal(400)
    })

    it('give no members from before what a reader may see', async () => {
      const roomId = await makeRoom('joined')
      const carol = await server.register(`carol-${engine}`)
      await carol.post(`/join/${roomId}`)
      const { next_batch: early } = (await carol.get('/sync')).body
      await carol.post(`/rooms/${roomId}/leave`)
      await bob.post(`/join/${roomId}`)
      expect(await members(bob, roomId, early)).to.equal(403)
      expect(await members(carol, roomId, early)).to.deep.equal([
        [alice.userId, 'join'],
        [carol.userId, 'join'],
      ])
      const { next_batch: late } = (await bob.get('/sync')).body
      expect(await members(carol, roomId, late)).to.deep.equal([
        [alice.userId, 'join'],
        [carol.userId, 'leave'],
      ])
    })

    it('stay readable as of the leave, whatever was done to the membership after it', async () => {
      const roomId = await makeRoom()
      await bob.post(`/join/${roomId}`)
      await topic(roomId, 'seen')
      await bob.post(`/rooms/${roomId}/leave`)
      await topic(roomId, 'unseen')
      const read = async () => (await bob.get(`/rooms/${roomId}/state/m.room.topic`)).body
      expect(await read()).to.deep.equal({ topic: 'seen' })
      await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
      await bob.post(`/rooms/${roomId}/leave`)
      expect(await read()).to.deep.equal({ topic: 'seen' })
      await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
      expect(await read()).to.deep.equal({ topic: 'seen' })
    })
  })
}
