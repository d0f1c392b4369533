import { expect } from 'chai'
import type { RoomId } from '../../../server/core/ids.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'
import { type Body, type Engine, engines, type TestServer, type TestUser } from '../../support/server.ts'

for (const engine of engines) describe(`hierarchies of spaces for other servers on ${engine}`, () => declare(engine))

function declare(engine: Engine): void {
  let among: AmongPeers
  let server: TestServer
  let alice: TestUser
  let near: Peer
  let far: Peer
  before(async function () {
    const started = await startServerWithPeers(2, { engine })
    if (!started) return this.skip()
    among = started
    server = started.server
    ;[near, far] = started.peers as [Peer, Peer]
    alice = await server.register('alice')
  })
  after(() => among?.close())

  const make = async (name: string, more: object = {}): Promise<RoomId> =>
    (await alice.post('/createRoom', { name, preset: 'private_chat', ...more })).body.room_id
  const space = (name: string, more: object = {}) => make(name, { creation_content: { type: 'm.space' }, ...more })
  const link = (parent: RoomId, child: RoomId, content: object = {}) =>
    alice.put(`/rooms/${parent}/state/m.space.child/${child}`, { via: ['hs.test'], ...content })
  const set = (roomId: RoomId, type: string, content: object) => alice.put(`/rooms/${roomId}/state/${type}/`, content)
  const ask = (peer: Peer, roomId: RoomId, query = '') => peer.ask(server, 'GET', `/_matrix/federation/v1/hierarchy/${roomId}${query}`)
  const names = (rooms: Body[]) => rooms.map(({ name }) => name)

  it('tell one level: the space, and those of its children that the server could join or look into', async () => {
    const root = await space('root', { preset: 'public_chat' })
    const open = await make('open', { preset: 'public_chat' })
    const secret = await make('secret')
    const sub = await space('sub', { preset: 'public_chat' })
    const inner = await make('inner', { preset: 'public_chat' })
    const readable = await make('readable')
    await set(readable, 'm.room.history_visibility', { history_visibility: 'world_readable' })
    const knockable = await make('knockable')
    await set(knockable, 'm.room.join_rules', { join_rule: 'knock' })
    for (const [order, child] of [open, secret, sub, readable, knockable].entries()) await link(root, child, { order: `${order}` })
    await link(root, '!unknown:elsewhere.example', { order: '9' })
    await link(sub, inner)
    const { status, body } = await ask(near, root)
    expect(status).to.equal(200)
    expect(body).to.have.all.keys('room', 'children', 'inaccessible_children')
    expect(body.room).to.include({ room_id: root, name: 'root', room_type: 'm.space', join_rule: 'public', num_joined_members: 1 })
    expect(body.room.children_state.map(({ state_key }: Body) => state_key)).to.include.members([open, secret, sub])
    expect(body.room.children_state[0]).to.have.all.keys('type', 'state_key', 'sender', 'content', 'origin_server_ts')
    expect(names(body.children)).to.deep.equal(['open', 'sub', 'readable', 'knockable'])
    expect(body.children[1]).to.include({ room_id: sub, room_type: 'm.space' })
    expect(body.inaccessible_children).to.deep.equal([secret])
  })

  it('tell a server what its own users are in, are invited to, or may join from another room', async () => {
    const root = await space('root', { preset: 'public_chat' })
    const lobby = await make('lobby', { preset: 'public_chat' })
    const joined = await make('joined', { preset: 'public_chat' })
    const invited = await make('invited')
    const restricted = await make('restricted')
    for (const child of [joined, invited, restricted]) await link(root, child)
    await setMembership(server, near, joined, 'join')
    await set(joined, 'm.room.join_rules', { join_rule: 'invite' })
    const userId = `@bob:${near.serverName}` as const
    const invite = { type: 'm.room.member', stateKey: userId, sender: alice.userId, content: { membership: 'invite' } }
    await server.server.graph.append(invited, [invite])
    await set(restricted, 'm.room.join_rules', { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: lobby }] })
    expect((await ask(far, root)).body.inaccessible_children).to.have.members([joined, invited, restricted])
    expect(names((await ask(near, root)).body.children)).to.have.members(['joined', 'invited'])
    await setMembership(server, near, lobby, 'join')
    const { children, inaccessible_children } = (await ask(near, root)).body
    expect(names(children)).to.have.members(['joined', 'invited', 'restricted'])
    expect(children.find(({ name }: Body) => name === 'restricted').allowed_room_ids).to.deep.equal([lobby])
    expect(inaccessible_children).to.deep.equal([])
  })

  it('leave out what is not suggested, where only that is asked for', async () => {
    const root = await space('root', { preset: 'public_chat' })
    await link(root, await make('a', { preset: 'public_chat' }), { suggested: true })
    await link(root, await make('b', { preset: 'public_chat' }))
    expect(names((await ask(near, root, '?suggested_only=true')).body.children)).to.deep.equal(['a'])
    expect(names((await ask(near, root, '?suggested_only=false')).body.children)).to.have.members(['a', 'b'])
    expect((await ask(near, root, '?suggested_only=perhaps')).status).to.equal(400)
  })

  it('are not there alike for rooms that are not here, that are closed to the server, and that deny it', async () => {
    const nowhere = await ask(near, '!nowhere')
    expect([nowhere.status, nowhere.body.errcode]).to.deep.equal([404, 'M_NOT_FOUND'])
    const denying = await space('denying', { preset: 'public_chat' })
    await set(denying, 'm.room.server_acl', { allow: ['*'], deny: ['localhost'] })
    for (const roomId of [await space('closed'), denying]) expect((await ask(near, roomId)).text).to.equal(nowhere.text)
    const plain = (await ask(near, await make('plain', { preset: 'public_chat' }))).body
    expect(plain).to.deep.include({ children: [], inaccessible_children: [] })
    expect(plain.room.children_state).to.deep.equal([])
  })
}
