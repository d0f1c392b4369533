import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`hierarchies of spaces on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  const names = new Map<string, string>()
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
  })

  const make = async (name: string, more: object = {}) => {
    const roomId = (await alice.post('/createRoom', { name, preset: 'public_chat', ...more })).body.room_id as string
    names.set(roomId, name)
    return roomId
  }
  const space = (name: string, more: object = {}) => make(name, { creation_content: { type: 'm.space' }, ...more })
  const link = (parent: string, child: string, content: object = {}) =>
    alice.put(`/rooms/${parent}/state/m.space.child/${child}`, { via: ['hs.test'], ...content })
  const hierarchy = (user: TestUser, roomId: string, query: Record<string, string> = {}) =>
    user.get(`/_matrix/client/v1/rooms/${roomId}/hierarchy`, { query })
  const shown = (rooms: Body[]) => rooms.map((room) => names.get(room.room_id))
  const code = ({ status, body }: { status: number; body: { errcode?: string } }) => [status, body.errcode]

  async function tree() {
    const [root, a, b, c, sub] = [await space('root'), await make('a'), await make('b'), await make('c'), await space('sub')]
    await link(root, c)
    await link(root, b, { order: 'bb', suggested: true })
    await link(root, a, { order: 'aa' })
    await link(root, sub, { order: 'ab', suggested: true })
    const inner = await make('inner')
    await link(sub, inner, { suggested: true })
    await link(sub, root)
    return { root, a, b, c, sub, inner }
  }

  it('are walked depth first, in the order of the children, and circles end', async () => {
    const { root, c } = await tree()
    const { rooms, next_batch } = (await hierarchy(bob, root)).body
    expect(shown(rooms)).to.deep.equal(['root', 'a', 'sub', 'inner', 'b', 'c'])
    expect(next_batch).to.equal(undefined)
    expect(rooms[0]).to.include({ room_type: 'm.space', join_rule: 'public', num_joined_members: 1, room_version: '12' })
    expect(rooms[0].children_state).to.have.length(4)
    const last = rooms[0].children_state[3]
    expect(last).to.include({ type: 'm.space.child', state_key: c, sender: alice.userId })
    expect(last).to.have.all.keys('type', 'state_key', 'sender', 'content', 'origin_server_ts')
    expect(rooms[1].children_state).to.deep.equal([])
  })

  it('end at a depth, and leave out what is not suggested', async () => {
    const { root } = await tree()
    expect(shown((await hierarchy(bob, root, { max_depth: '0' })).body.rooms)).to.deep.equal(['root'])
    expect(shown((await hierarchy(bob, root, { max_depth: '1' })).body.rooms)).to.deep.equal(['root', 'a', 'sub', 'b', 'c'])
    const suggested = (await hierarchy(bob, root, { suggested_only: 'true' })).body.rooms
    expect(shown(suggested)).to.deep.equal(['root', 'sub', 'inner', 'b'])
    expect(suggested[0].children_state).to.have.length(2)
  })

  it('come in pages, whose tokens hold for the same question alone', async () => {
    const { root } = await tree()
    const found: (string | undefined)[] = []
    let from = ''
    do {
      const { body } = await hierarchy(bob, root, { limit: '2', max_depth: '3', ...(from === '' ? {} : { from }) })
      expect(body.rooms.length).to.be.within(1, 2)
      found.push(...shown(body.rooms))
      from = body.next_batch ?? ''
    } while (from !== '')
    expect(found).to.deep.equal(['root', 'a', 'sub', 'inner', 'b', 'c'])
    const token = (await hierarchy(bob, root, { limit: '2' })).body.next_batch
    for (const query of [{ max_depth: '1' }, { suggested_only: 'true' }] as Record<string, string>[]) {
      expect(code(await hierarchy(bob, root, { ...query, from: token }))).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
    for (const query of [{ from: 'x' }, { limit: '0' }, { limit: '-1' }, { max_depth: '-1' }, { suggested_only: 'maybe' }]) {
      expect(code(await hierarchy(bob, root, query as never)), JSON.stringify(query)).to.deep.equal([400, 'M_INVALID_PARAM'])
    }
  })

  it('show rooms to those who may look at them, and no links that were taken back', async () => {
    const root = await space('root')
    const hidden = await make('hidden', { preset: 'private_chat' })
    const allow = [{ type: 'm.room_membership', room_id: root }]
    const rule = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }
    const restricted = await make('restricted', { preset: 'private_chat', initial_state: [rule] })
    const [gone, redacted, elsewhere] = [await make('gone'), await make('redacted'), '!elsewhere:other.test']
    for (const [order, room] of Object.entries([hidden, restricted, gone, elsewhere])) await link(root, room, { order })
    const { event_id } = (await link(root, redacted)).body
    await alice.put(`/rooms/${root}/state/m.space.child/${gone}`, {})
    await alice.put(`/rooms/${root}/redact/${event_id}/1`)
    expect(shown((await hierarchy(alice, root)).body.rooms)).to.deep.equal(['root', 'hidden', 'restricted'])
    expect(shown((await hierarchy(bob, root)).body.rooms)).to.deep.equal(['root'])
    await bob.post(`/join/${root}`)
    const { rooms } = (await hierarchy(bob, root)).body
    expect(shown(rooms)).to.deep.equal(['root', 'restricted'])
    expect(rooms[1].allowed_room_ids).to.deep.equal([root])
    expect(code(await hierarchy(bob, hidden))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await hierarchy(bob, '!nothing:hs.test'))).to.deep.equal([403, 'M_FORBIDDEN'])
  })
}
