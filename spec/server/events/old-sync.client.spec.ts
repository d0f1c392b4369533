import { expect } from 'chai'
import { type Body, type Engine, engines, startServer, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`what was asked before there was sync on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let server: TestServer
  let alice: TestUser
  let bob: TestUser
  let roomId: string
  let count = 0
  before(async function () {
    const started = await startServer({ engine, config: { presence: { enabled: true } } })
    if (!started) return this.skip()
    server = started
  })
  after(() => server?.close())
  beforeEach(async () => {
    alice = await server.register(`alice${++count}`)
    bob = await server.register(`bob${count}`)
    roomId = (await alice.post('/createRoom', { preset: 'public_chat', name: 'Old' })).body.room_id
  })

  const say = (body: string, room = roomId) => alice.put(`/rooms/${room}/send/m.room.message/t${++count}`, { msgtype: 'm.text', body })
  const stream = (user: TestUser, query: Record<string, string>) => user.get('/events', { query: { timeout: '0', ...query } })
  const bodies = (chunk: Body[]) => chunk.flatMap(({ type, content }) => (type === 'm.room.message' ? [content.body] : []))
  const end = async (user: TestUser): Promise<string> => (await user.get('/initialSync', { query: { limit: '1' } })).body.end
  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]

  it('tells of all rooms with their messages and state, and goes on from there', async () => {
    await bob.post(`/join/${roomId}`)
    await bob.put(`/user/${bob.userId}/account_data/org.test`, { all: 1 })
    await bob.put(`/user/${bob.userId}/rooms/${roomId}/account_data/org.test`, { here: 1 })
    const invited = (await alice.post('/createRoom', { invite: [bob.userId] })).body.room_id
    await say('one')
    await say('two')
    const { body } = await bob.get('/initialSync', { query: { limit: '1' } })
    const told = body.rooms.find((room: Body) => room.room_id === roomId)
    expect(told.membership).to.equal('join')
    expect(bodies(told.messages.chunk)).to.deep.equal(['two'])
    expect(told.state.map(({ type }: Body) => type)).to.include.members(['m.room.create', 'm.room.name', 'm.room.member'])
    expect(told.account_data).to.deep.equal([{ type: 'org.test', content: { here: 1 } }])
    expect(body.account_data).to.deep.include({ type: 'org.test', content: { all: 1 } })
    expect(body.presence.map(({ type }: Body) => type)).to.satisfy((types: string[]) => types.every((type) => type === 'm.presence'))
    const invite = body.rooms.find((room: Body) => room.room_id === invited)
    expect(invite).to.deep.include({ membership: 'invite' })
    expect(invite.invite.content.membership).to.equal('invite')
    const earlier = await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b', from: told.messages.start } })
    expect(bodies(earlier.body.chunk)).to.deep.equal(['one'])
    await say('three')
    const { chunk, start } = (await stream(bob, { from: body.end })).body
    expect([bodies(chunk), start]).to.deep.equal([['three'], body.end])
  })

  it('waits for what happens, whoever does it, and tells it once', async () => {
    await bob.post(`/join/${roomId}`)
    const waiting = stream(bob, { from: await end(bob), timeout: '170000' })
    await say('now')
    const { chunk, end: next } = (await waiting).body
    expect(bodies(chunk)).to.deep.equal(['now'])
    expect(chunk[0].room_id).to.equal(roomId)
    expect((await stream(bob, { from: next })).body.chunk).to.deep.equal([])
  })

  it('tells of invitations, of a room that was joined, and the end of one that was left', async () => {
    const from = await end(bob)
    await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })
    const { chunk, end: next } = (await stream(bob, { from })).body
    expect(chunk.map(({ content }: Body) => content.membership)).to.deep.equal(['invite'])
    const waiting = stream(bob, { from: next, timeout: '170000' })
    await bob.post(`/join/${roomId}`)
    const joined = (await waiting).body
    expect(joined.chunk.map(({ content }: Body) => content.membership)).to.deep.equal(['join'])
    await say('before')
    await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })
    await say('after')
    const left = (await stream(bob, { from: joined.end })).body
    expect(bodies(left.chunk)).to.deep.equal(['before'])
    expect(left.chunk.at(-1).content.membership).to.equal('leave')
  })

  it('lets rooms be watched that everybody may read, and no others', async () => {
    const from = await end(bob)
    expect(code(await stream(bob, { from, room_id: roomId }))).to.deep.equal([403, 'M_FORBIDDEN'])
    expect(code(await bob.get(`/rooms/${roomId}/initialSync`))).to.deep.equal([403, 'M_FORBIDDEN'])
    await alice.put(`/rooms/${roomId}/state/m.room.history_visibility`, { history_visibility: 'world_readable' })
    await say('open')
    const { body } = await bob.get(`/rooms/${roomId}/initialSync`)
    expect(bodies(body.messages.chunk)).to.deep.equal(['open'])
    expect(body).to.not.have.property('membership')
    const waiting = stream(bob, { from: body.messages.end, room_id: roomId, timeout: '170000' })
    await say('closed')
    expect(bodies((await waiting).body.chunk)).to.deep.equal(['closed'])
    expect((await stream(bob, { from })).body.chunk).to.deep.equal([])
  })

  it('tells a room as it was when it was left, and only to those who ask for rooms that they left', async () => {
    await bob.post(`/join/${roomId}`)
    await say('seen')
    await bob.post(`/rooms/${roomId}/leave`)
    await alice.put(`/rooms/${roomId}/state/m.room.name`, { name: 'New' })
    await say('unseen')
    const { body } = await bob.get(`/rooms/${roomId}/initialSync`)
    expect(bodies(body.messages.chunk)).to.deep.equal(['seen'])
    expect(body.state.find(({ type }: Body) => type === 'm.room.name').content.name).to.equal('Old')
    const rooms = async (query: Record<string, string>) =>
      (await bob.get('/initialSync', { query })).body.rooms.map((room: Body) => [room.room_id, room.membership])
    expect(await rooms({})).to.deep.equal([])
    expect(await rooms({ archived: 'true' })).to.deep.equal([[roomId, 'leave']])
  })

  it('refuses tokens, rooms and numbers that are none', async () => {
    for (const query of [{ from: 'x' }, { from: 't1_1_1' }, { room_id: 'x' }, { timeout: '-1' }] as Record<string, string>[])
      expect((await stream(bob, query)).status, JSON.stringify(query)).to.equal(400)
    expect((await bob.get('/initialSync', { query: { limit: 'x' } })).status).to.equal(400)
    expect(code(await bob.get('/rooms/!none:hs.test/initialSync'))).to.deep.equal([403, 'M_FORBIDDEN'])
  })
}
