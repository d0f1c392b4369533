import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`the threads of a room on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let people = 0
  let sent = 0
  before(async function () {
    const started = await startServer({ engine })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${people}`)
    bob = await server.register(`bob${people++}`)
    roomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    await bob.post(`/join/${roomId}`)
  })

  const say = async (user: TestUser, root?: string): Promise<string> => {
    const relation = root === undefined ? {} : { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
    return (await user.put(`/rooms/${roomId}/send/m.room.message/t${sent++}`, { msgtype: 'm.text', body: 'x', ...relation })).body.event_id
  }
  const threads = (user: TestUser, query: Record<string, string> = {}) => user.get(`/_matrix/client/v1/rooms/${roomId}/threads`, { query })
  const ids = (chunk: Body[]) => chunk.map((event) => event.event_id)

  it('are ordered by their newest event, with their bundles, in pages', async () => {
    const roots = [await say(alice), await say(alice), await say(alice)] as const
    for (const root of roots) await say(bob, root)
    const last = await say(bob, roots[0])
    const { body } = await threads(alice, { limit: '2' })
    expect(ids(body.chunk)).to.deep.equal([roots[0], roots[2]])
    expect(body.chunk[0].unsigned['m.relations']['m.thread']).to.include({ count: 2 })
    const rest = (await threads(alice, { limit: '2', from: body.next_batch })).body
    expect(ids(rest.chunk)).to.deep.equal([roots[1]])
    expect(rest).to.not.have.property('next_batch')
    await alice.put(`/rooms/${roomId}/redact/${last}/t${sent++}`)
    expect(ids((await threads(alice)).body.chunk)).to.deep.equal([roots[2], roots[1], roots[0]])
  })

  it('are those in which the reader takes part, when only these are asked for', async () => {
    const own = await say(alice)
    const joined = await say(bob)
    const other = await say(bob)
    for (const root of [own, joined, other]) await say(bob, root)
    await say(alice, joined)
    expect(ids((await threads(alice, { include: 'participated' })).body.chunk)).to.deep.equal([joined, own])
    expect((await threads(alice, { include: 'all' })).body.chunk).to.have.length(3)
  })

  it('show the root of an ignored user redacted', async () => {
    const root = await say(bob)
    await say(alice, root)
    await alice.put(`/user/${alice.userId}/account_data/m.ignored_user_list`, { ignored_users: { [bob.userId]: {} } })
    const [shown] = (await threads(alice)).body.chunk
    expect([shown.event_id, shown.content]).to.deep.equal([root, {}])
  })

  it('are refused to strangers and to odd questions', async () => {
    const stranger = await server.register(`stranger${people}`)
    expect((await threads(stranger)).body.errcode).to.equal('M_FORBIDDEN')
    for (const query of [{ from: 'x' }, { limit: '0' }, { limit: '-1' }, { include: 'some' }] as Record<string, string>[]) {
      expect((await threads(alice, query)).status, JSON.stringify(query)).to.equal(400)
    }
  })
}
