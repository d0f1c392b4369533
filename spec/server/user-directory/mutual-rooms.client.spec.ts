import { expect } from 'chai'
import { startServer, type TestServer, type TestUser } from '../../support/server.ts'

describe('mutual rooms', () => {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  before(async () => {
    server = await startServer()
    alice = await server.register('alice')
    bob = await server.register('bob')
  })
  after(() => server.close())

  const stable = '/_matrix/client/v1/mutual_rooms'
  const unstable = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'

  it('are those that both have joined, in pages, under both names', async () => {
    const rooms: string[] = []
    for (let count = 0; count < 102; count++) {
      const { room_id } = (await alice.post('/createRoom', { preset: 'public_chat' })).body
      if (count === 0) continue
      await bob.post(`/join/${room_id}`)
      rooms.push(room_id)
    }
    for (const [path, from, next] of [
      [stable, 'from', 'next_batch'],
      [unstable, 'batch_token', 'next_batch_token'],
    ] as const) {
      const first = (await bob.get(path, { query: { user_id: alice.userId } })).body
      expect([first.joined.length, first.count]).to.deep.equal([100, 101])
      const second = (await bob.get(path, { query: { user_id: alice.userId, [from]: first[next] } })).body
      expect(second).to.not.have.property(next)
      expect([...first.joined, ...second.joined]).to.have.members(rooms)
    }
    const { unstable_features } = (await alice.get('/_matrix/client/versions')).body
    expect(unstable_features).to.include({ 'uk.half-shot.msc2666.query_mutual_rooms': true })
  })

  it('are none with somebody unknown, and are refused for oneself and for what is no user', async () => {
    const ask = (query: Record<string, string>) => alice.get(stable, { query })
    expect((await ask({ user_id: '@nobody:elsewhere' })).body).to.deep.equal({ joined: [], count: 0 })
    for (const [query, errcode] of [
      [{}, 'M_MISSING_PARAM'],
      [{ user_id: 'bob' }, 'M_INVALID_PARAM'],
      [{ user_id: alice.userId }, 'M_INVALID_PARAM'],
      [{ user_id: bob.userId, from: 'x' }, 'M_INVALID_PARAM'],
    ] as const) {
      const { status, body } = await ask(query as Record<string, string>)
      expect([status, body.errcode]).to.deep.equal([400, errcode])
    }
  })
})
