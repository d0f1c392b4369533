import { expect } from 'chai'
import { type AmongPeers, type Peer, type PeerReply, startServerWithPeers } from '../../support/peer.ts'
import { type Body, type TestUser, untilAborted } from '../../support/server.ts'

describe('rooms of other servers in a space', () => {
  let now = Date.now()
  let among: AmongPeers
  let peer: Peer
  let other: Peer
  let alice: TestUser
  let space: string
  before(async () => {
    among = (await startServerWithPeers(2, { overrides: { clock: { now: () => now, sleep: untilAborted } } }))!
    ;[peer, other] = among.peers as [Peer, Peer]
    alice = await among.server.register('alice')
  })
  after(() => among.close())
  beforeEach(async () => {
    // What was told of a room is remembered for some minutes.
    now += 10 * 60_000
    for (const one of [peer, other])
      one.on('GET', '/_matrix/federation/v1/hierarchy/{id}', () => ({ status: 404, body: { errcode: 'M_NOT_FOUND' } }))
    space = (await alice.post('/createRoom', { creation_content: { type: 'm.space' } })).body.room_id
  })

  const link = (id: string, via: unknown = [peer.serverName], content: object = {}) => ({
    type: 'm.space.child',
    state_key: id,
    sender: `@bea:${peer.serverName}`,
    origin_server_ts: 1,
    content: { via, ...content },
  })
  const room = (id: string, of: object = {}) => ({
    room_id: id,
    num_joined_members: 2,
    world_readable: false,
    guest_can_join: false,
    join_rule: 'public',
    children_state: [],
    ...of,
  })
  const put = (id: string, via: unknown = [peer.serverName]) =>
    alice.put(`/rooms/${space}/state/m.space.child/${encodeURIComponent(id)}`, { via })
  const telling = (by: Peer, rooms: Record<string, unknown>) =>
    by.on('GET', '/_matrix/federation/v1/hierarchy/{id}', ({ params }): PeerReply => {
      const body = rooms[params['id'] ?? '']
      return body === undefined ? { status: 404, body: { errcode: 'M_NOT_FOUND' } } : { body }
    })
  const tree = (of: object, children: object[] = [], inaccessible: string[] = []) => ({
    room: of,
    children,
    inaccessible_children: inaccessible,
  })
  const hierarchy = async (query: Record<string, string> = {}) =>
    (await alice.get(`/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy`, { query })).body.rooms as Body[]
  const ids = (rooms: Body[]) => rooms.map(({ room_id: id }) => id).filter((id) => id !== space)
  const questions = (of: Peer, id: string) => of.asked.filter(({ params }) => params['id'] === id).length

  it('are told by the servers that the space names, and so are their children, each server asked once in some minutes', async () => {
    await put('!sub')
    const links = [link('!b', undefined, { order: 'b' }), link('!a', undefined, { order: 'a' }), link('!gone'), link('!secret')]
    const sub = room('!sub', { room_type: 'm.space', name: 'Sub', children_state: links })
    telling(peer, { '!sub': tree(sub, [room('!a', { name: 'A' }), room('!b')], ['!secret']) })
    const rooms = await hierarchy()
    expect(ids(rooms)).to.deep.equal(['!sub', '!a', '!b'])
    expect(rooms[1]).to.include({ room_type: 'm.space', name: 'Sub' })
    expect(rooms[1].children_state.map(({ state_key }: Body) => state_key)).to.deep.equal(['!a', '!b', '!gone', '!secret'])
    await hierarchy({ limit: '1' })
    expect([questions(peer, '!sub'), questions(peer, '!a'), questions(peer, '!gone'), questions(peer, '!secret')]).to.deep.equal([
      1, 0, 1, 0,
    ])
  })

  it('come page by page, no deeper than asked, and only those suggested where that is asked', async () => {
    await put('!sub')
    const links = [link('!a', undefined, { order: 'a', suggested: true }), link('!b', undefined, { order: 'b' })]
    telling(peer, { '!sub': tree(room('!sub', { room_type: 'm.space', children_state: links }), [room('!a'), room('!b')]) })
    const path = `/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy`
    const first = (await alice.get(path, { query: { limit: '2' } })).body
    const second = (await alice.get(path, { query: { limit: '2', from: first.next_batch } })).body
    expect([...ids(first.rooms), ...ids(second.rooms)]).to.deep.equal(['!sub', '!a', '!b'])
    expect(ids(await hierarchy({ max_depth: '1' }))).to.deep.equal(['!sub'])
    await alice.put(`/rooms/${space}/state/m.space.child/!sub`, { via: [peer.serverName], suggested: true })
    expect(ids(await hierarchy({ suggested_only: 'true' }))).to.deep.equal(['!sub', '!a'])
  })

  it('are asked for of the next server when one does not know them, and what one says counts for those alone who ask it', async () => {
    await put('!x', [peer.serverName, other.serverName])
    telling(other, { '!x': tree(room('!x', { name: 'theirs' })) })
    expect((await hierarchy())[1]).to.include({ room_id: '!x', name: 'theirs' })
    telling(peer, { '!x': tree(room('!x', { name: 'known meanwhile' })) })
    expect((await hierarchy())[1]).to.include({ name: 'known meanwhile' })
    telling(peer, { '!x': tree(room('!x', { name: 'forged' })) })
    await put('!x', [other.serverName])
    expect((await hierarchy())[1]).to.include({ name: 'theirs' })
  })

  it('are shown to those alone who may look at them', async () => {
    const mine = (await alice.post('/createRoom')).body.room_id
    const rooms: Record<string, object> = {
      '!public': {},
      '!invite': { join_rule: 'invite' },
      '!readable': { join_rule: 'invite', world_readable: true },
      '!knock': { join_rule: 'knock' },
      '!allowed': { join_rule: 'restricted', allowed_room_ids: [mine] },
      '!restricted': { join_rule: 'restricted', allowed_room_ids: ['!elsewhere'] },
      '!odd': { join_rule: ['public'], allowed_room_ids: 7 },
    }
    telling(peer, Object.fromEntries(Object.entries(rooms).map(([id, of]) => [id, tree(room(id, of))])))
    for (const id of Object.keys(rooms)) await put(id)
    expect(ids(await hierarchy()).sort()).to.deep.equal(['!allowed', '!knock', '!odd', '!public', '!readable'])
  })

  const malformed: Readonly<Record<string, PeerReply>> = {
    'are of another room': { body: tree(room('!other')) },
    'are no object': { body: '[]' },
    'have no room': { body: { children: [], inaccessible_children: [] } },
    'are endless': { body: tree(room('!x', { topic: 'x'.repeat(3_000_000) })) },
    'are an error': { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } },
  }
  for (const [words, reply] of Object.entries(malformed)) {
    it(`are left out when the answers ${words}`, async () => {
      await put('!x')
      peer.on('GET', '/_matrix/federation/v1/hierarchy/{id}', () => reply)
      expect(ids(await hierarchy())).to.deep.equal([])
    })
  }

  it('are told without what is malformed of them, and end where they go round', async () => {
    await put('!x')
    const links = [
      null,
      7,
      { ...link('!a'), state_key: 'a' },
      link('!b', 'x'),
      link('!c', []),
      { ...link('!d'), origin_server_ts: 'x' },
      link('!x', undefined, { order: 'a' }),
      link(space, undefined, { order: 'b' }),
    ]
    const odd = room('!x', {
      room_type: 'm.space',
      name: ['x'],
      avatar_url: 'https://x',
      extra: 1,
      num_joined_members: -1,
      children_state: links,
    })
    telling(peer, { '!x': { room: odd, children: 'x', inaccessible_children: { a: 1 } } })
    const [, told] = await hierarchy()
    expect(told).to.deep.equal({
      room_id: '!x',
      num_joined_members: 0,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
      room_type: 'm.space',
      children_state: [link('!x', undefined, { order: 'a' }), link(space, undefined, { order: 'b' })],
    })
  })

  it('are summed up for those who are logged in', async () => {
    telling(peer, {
      '!x': tree(room('!x', { name: 'X', room_version: '11', encryption: 'm.megolm.v1.aes-sha2' })),
      '!y': tree(room('!y', { join_rule: 'invite' })),
    })
    const summary = (id: string, by = alice as Pick<TestUser, 'get'>) =>
      by.get(`/_matrix/client/v1/room_summary/${encodeURIComponent(id)}`, { query: { via: peer.serverName } })
    const { status, body } = await summary('!x')
    expect(status).to.equal(200)
    expect(body).to.include({ room_id: '!x', name: 'X', room_version: '11', encryption: 'm.megolm.v1.aes-sha2', membership: 'leave' })
    expect(body).not.to.have.property('children_state')
    expect((await summary('!y')).status).to.equal(404)
    const before = peer.asked.length
    expect((await summary('!z', among.server.anonymous)).status).to.equal(404)
    expect(peer.asked.length).to.equal(before)
    peer.on('GET', '/_matrix/federation/v1/query/directory', () => ({ body: { room_id: '!x', servers: [peer.serverName] } }))
    expect((await summary(`#x:${peer.serverName}`)).body.room_id).to.equal('!x')
  })
})
