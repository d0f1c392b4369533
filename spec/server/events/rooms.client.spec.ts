import { expect } from 'chai'
import { type Body, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) {
  describe(`The members of a room on ${engine}`, () => {
    let server: TestServer
    let alice: TestUser
    let bob: TestUser
    let carol: TestUser
    let roomId: string

    before(async function () {
      const started = await startServer({ engine })
      if (!started) return this.skip()
      server = started
      alice = await server.register('alice')
      bob = await server.register('bob')
      carol = await server.register('carol')
      roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
      await bob.put('/profile/@bob:hs.test/displayname', { displayname: 'Bob "the \u{1F980}" \\' })
      for (const one of [bob, carol]) await one.post(`/join/${roomId}`)
      await carol.post(`/rooms/${roomId}/leave`)
    })
    after(() => server?.close())

    const members = async (query: Record<string, string>): Promise<Body[]> =>
      (await alice.get(`/rooms/${roomId}/members`, { query })).body.chunk
    const names = (chunk: Body[]): string[] => chunk.map(({ state_key }) => state_key).sort()

    it('are told as the events that they are, each with its age', async () => {
      for (let round = 0; round < 2; round++) {
        const before = Date.now()
        const chunk = await members({})
        expect(names(chunk)).to.deep.equal([alice.userId, bob.userId, carol.userId])
        for (const { unsigned, ...event } of chunk) {
          const one = (await alice.get(`/rooms/${roomId}/event/${event.event_id}`)).body
          const { unsigned: _, ...rest } = one
          expect(event).to.deep.equal(rest)
          expect(unsigned.age).to.be.within(before - event.origin_server_ts, Date.now() - event.origin_server_ts)
        }
      }
    })

    it('can be asked for by their membership', async () => {
      expect(names(await members({ membership: 'join' }))).to.deep.equal([alice.userId, bob.userId])
      expect(names(await members({ not_membership: 'join' }))).to.deep.equal([carol.userId])
      expect(names(await members({ membership: 'join', not_membership: 'ban' }))).to.have.length(3)
      expect((await alice.get(`/rooms/${roomId}/members`, { query: { membership: 'gone' } })).status).to.equal(400)
    })

    it('are told with their profiles to who is joined, and to nobody else', async () => {
      const { body } = await alice.get(`/rooms/${roomId}/joined_members`)
      expect(body).to.deep.equal({
        joined: { [alice.userId]: {}, [bob.userId]: { display_name: 'Bob "the \u{1F980}" \\' } },
      })
      await bob.put('/profile/@bob:hs.test/avatar_url', { avatar_url: 'mxc://hs.test/bob' })
      const { joined } = (await alice.get(`/rooms/${roomId}/joined_members`)).body
      expect(joined[bob.userId].avatar_url).to.equal('mxc://hs.test/bob')
      expect((await carol.get(`/rooms/${roomId}/joined_members`)).status).to.equal(403)
    })

    it('and the rest of the state stand in /context, as in /state', async () => {
      const { event_id } = (await alice.put(`/rooms/${roomId}/send/m.room.message/one`, { msgtype: 'm.text', body: 'x' })).body
      const state = (await alice.get(`/rooms/${roomId}/state`)).body
      const context = (await alice.get(`/rooms/${roomId}/context/${event_id}`)).body
      const ids = (events: Body[]) => events.map((event) => event.event_id).sort()
      expect(ids(context.state)).to.deep.equal(ids(state))
      const query = { filter: JSON.stringify({ types: ['m.room.member'] }) }
      const only = (await alice.get(`/rooms/${roomId}/context/${event_id}`, { query })).body
      expect(ids(only.state)).to.deep.equal(ids(await members({})))
      const lazy = (
        await alice.get(`/rooms/${roomId}/context/${event_id}`, { query: { filter: JSON.stringify({ lazy_load_members: true }) } })
      ).body
      expect(names(lazy.state.filter(({ type }: Body) => type === 'm.room.member'))).to.include(alice.userId)
      expect(ids(lazy.state)).to.include.members(ids(state.filter(({ type }: Body) => type !== 'm.room.member')))
    })
  })
}
