import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`the public directory on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  beforeEach(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
    alice = await server.register('alice')
    bob = await server.register('bob')
  })
  afterEach(() => server?.close())

  const make = async (name: string, more: object = {}) =>
    (await alice.post('/createRoom', { name, visibility: 'public', ...more })).body.room_id as string
  const names = (chunk: Body[]) => chunk.map((room) => room.name)
  const visibility = (roomId: string) => `/directory/list/room/${roomId}`
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  it('lists the rooms that were made public, the largest first, to everybody', async () => {
    const one = await make('one', { topic: 'Topic', room_alias_name: 'one' })
    const two = await make('two')
    await make('private', { visibility: 'private' })
    await bob.post(`/join/${two}`)
    const { body } = await server.anonymous.get('/publicRooms')
    expect(names(body.chunk)).to.deep.equal(['two', 'one'])
    expect(body.total_room_count_estimate).to.equal(2)
    expect(body).to.not.have.any.keys('next_batch', 'prev_batch')
    expect(body.chunk[1]).to.deep.equal({
      room_id: one,
      name: 'one',
      topic: 'Topic',
      canonical_alias: '#one:hs.test',
      num_joined_members: 1,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
    })
    expect((await bob.post('/publicRooms', {})).body).to.deep.equal(body)
  })

  it('comes in pages, forwards and back', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name)
    const first = (await bob.get('/publicRooms', { query: { limit: '2' } })).body
    const second = (await bob.get('/publicRooms', { query: { limit: '2', since: first.next_batch } })).body
    const third = (await bob.post('/publicRooms', { limit: 2, since: second.next_batch })).body
    expect([...names(first.chunk), ...names(second.chunk), ...names(third.chunk)]).to.have.members(['a', 'b', 'c', 'd', 'e'])
    expect(third).to.not.have.property('next_batch')
    expect((await bob.get('/publicRooms', { query: { limit: '2', since: third.prev_batch } })).body.chunk).to.deep.equal(second.chunk)
  })

  it('is searched by name, topic and alias, and by the type of the room', async () => {
    await make('Cheese', { topic: 'tasty' })
    await make('Space', { creation_content: { type: 'm.space' }, room_alias_name: 'cheddar' })
    const search = async (filter: object) => names((await bob.post('/publicRooms', { filter })).body.chunk)
    expect(await search({ generic_search_term: 'CHEE' })).to.deep.equal(['Cheese'])
    expect(await search({ generic_search_term: 'Tasty' })).to.deep.equal(['Cheese'])
    expect(await search({ generic_search_term: 'cheddar' })).to.deep.equal(['Space'])
    expect(await search({ generic_search_term: 'nothing' })).to.deep.equal([])
    expect(await search({ room_types: [null] })).to.deep.equal(['Cheese'])
    expect(await search({ room_types: ['m.space'] })).to.deep.equal(['Space'])
    expect(await search({ room_types: ['m.space', null] })).to.have.members(['Cheese', 'Space'])
    expect((await bob.post('/publicRooms', { third_party_instance_id: 'irc' })).body.chunk).to.deep.equal([])
  })

  it('shows rooms that one can knock on, and none that take nobody', async () => {
    for (const join_rule of ['knock', 'invite']) {
      await make(join_rule, { initial_state: [{ type: 'm.room.join_rules', content: { join_rule } }] })
    }
    const { chunk } = (await bob.get('/publicRooms')).body
    expect(names(chunk)).to.deep.equal(['knock'])
    expect(chunk[0].join_rule).to.equal('knock')
  })

  it('is changed by those who may name the room, and by administrators', async () => {
    const roomId = await make('room', { visibility: 'private', preset: 'public_chat' })
    expect((await server.anonymous.get(visibility(roomId))).body).to.deep.equal({ visibility: 'private' })
    await bob.post(`/join/${roomId}`)
    expect(code(await bob.put(visibility(roomId), { visibility: 'public' }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect((await alice.put(visibility(roomId), {})).status).to.equal(200)
    expect((await bob.get(visibility(roomId))).body).to.deep.equal({ visibility: 'public' })
    const admin = await server.register('admin', { admin: true })
    expect((await admin.put(visibility(roomId), { visibility: 'private' })).status).to.equal(200)
    expect((await bob.get('/publicRooms')).body.chunk).to.deep.equal([])
    expect(code(await alice.put(visibility(roomId), { visibility: 'x' }))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(code(await alice.put(visibility('!nothing:hs.test'), {}))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(code(await alice.get(visibility('!nothing:hs.test')))).to.deep.equal([404, 'M_NOT_FOUND'])
  })

  it('follows a room that is upgraded', async () => {
    const roomId = await make('room', { room_version: '11' })
    const { replacement_room } = (await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '12' })).body
    const { chunk } = (await bob.get('/publicRooms')).body
    expect(chunk.map((room: Body) => room.room_id)).to.deep.equal([replacement_room])
  })

  it('refuses odd questions', async () => {
    for (const query of [{ limit: '-1' }, { limit: 'x' }, { since: 'x' }] as Record<string, string>[]) {
      expect(code(await bob.get('/publicRooms', { query })), JSON.stringify(query)).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
    for (const body of [{ limit: -1 }, { limit: 'x' }, { since: 'x' }, { filter: { room_types: [7] } }, { filter: 'x' }]) {
      expect((await bob.post('/publicRooms', body)).status, JSON.stringify(body)).to.equal(400)
    }
    expect(code(await bob.get('/publicRooms', { query: { server: 'localhost:1' } }))).to.deep.equal([502, 'M_UNKNOWN'])
    expect((await server.anonymous.post('/publicRooms', {})).status).to.equal(401)
  })
}
