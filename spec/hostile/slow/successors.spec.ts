import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { Json, JsonObject } from '../../../server/core/json.ts'
import { readEverything, readerOf } from '../../support/hostile/everybody.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { type HostedRoom, hostRoom, nextRoomId } from '../../support/peers/hosted-room.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { TestUser } from '../../support/server.ts'

/** S-25. Nobody takes over a room, its aliases, or anybody's settings by saying that theirs came after it; and nobody enters by a room that nobody here can see into. */
describe('rooms that claim to come after others (S-25)', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: TestUser
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
  })
  after(() => among?.close())
  beforeEach(async () => {
    alice = await among.server.register(`alice${people++}`)
    bob = await among.server.register(`bob${people++}`)
  })

  const room = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`
  const join = async (user: TestUser, { roomId }: Pick<HostedRoom, 'roomId'>) => {
    const { status, text } = await user.post(`/join/${encodeURIComponent(roomId)}?via=${peer.serverName}`)
    expect(status, text).to.equal(200)
  }
  const rulesOf = async (user: TestUser): Promise<string[]> =>
    (await user.get('/pushrules/')).body.global.room.map(({ rule_id }: { rule_id: string }) => rule_id)
  let aliases = 0
  /** A public room of alice's with an alias, listed, which bob is in and has silenced. */
  async function settle(version = '11'): Promise<{ roomId: RoomId; alias: string }> {
    const name = `alias${aliases++}`
    const made = await alice.post('/createRoom', {
      preset: 'public_chat',
      visibility: 'public',
      room_alias_name: name,
      room_version: version,
    })
    const roomId: RoomId = made.body.room_id
    await bob.post(`/join/${encodeURIComponent(roomId)}`)
    await bob.put(`/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] })
    return { roomId, alias: `#${name}:hs.test` }
  }
  const targetOf = async (alias: string) => (await bob.get(`/directory/room/${encodeURIComponent(alias)}`)).body.room_id
  const listed = async (roomId: string) => (await bob.get(`/directory/list/room/${encodeURIComponent(roomId)}`)).body.visibility

  for (const version of ['11', '12']) {
    it(`get neither aliases nor settings nor a place in the directory by their word alone, in version ${version}`, async () => {
      const { roomId, alias } = await settle(version)
      const forged = hostRoom(peer, version, undefined, { predecessor: { room_id: roomId, event_id: '$last' } })
      forged.add({ type: 'm.room.canonical_alias', state_key: '', content: { alias, alt_aliases: [alias] } })
      await join(bob, forged)
      expect(await rulesOf(bob)).to.deep.equal([roomId])
      expect([await targetOf(alias), await listed(roomId), await listed(forged.roomId)]).to.deep.equal([roomId, 'public', 'private'])
      expect((await alice.get(`${room(roomId)}/state/m.room.tombstone/`)).status).to.equal(404)
      // A tombstone that somebody without the power for it sends over there.
      const member = await joinAsPeer(peer, among.server, roomId, `mallory${people++}`)
      const tombstone = { type: 'm.room.tombstone', state_key: '', content: { body: 'x', replacement_room: forged.roomId } }
      const { pdu, eventId } = await member.event(tombstone)
      const content = { origin: peer.serverName, origin_server_ts: 1, pdus: [pdu as unknown as JsonObject] }
      const answer = await peer.ask(among.server, 'PUT', `/_matrix/federation/v1/send/tombstone${version}`, content)
      expect(answer.body.pdus[eventId].error).to.be.a('string')
      const carol = await among.server.register(`carol${people++}`)
      await carol.post(`/join/${encodeURIComponent(roomId)}`)
      await carol.put(`/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] })
      expect((await carol.put(`${room(roomId)}/state/m.room.tombstone/`, tombstone.content)).status).to.equal(403)
      expect((await carol.post(`${room(roomId)}/upgrade`, { new_version: '12' })).status).to.equal(403)
      await join(carol, forged)
      expect(await rulesOf(carol)).to.deep.equal([roomId])
      // When the room itself says so, those who go over take their settings along; the alias stays with who keeps it.
      expect((await alice.put(`${room(roomId)}/state/m.room.tombstone/`, tombstone.content)).status).to.equal(200)
      const dave = await among.server.register(`dave${people++}`)
      await dave.post(`/join/${encodeURIComponent(roomId)}`)
      await dave.put(`/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] })
      await join(dave, forged)
      expect(await rulesOf(dave)).to.have.members([roomId, forged.roomId])
      expect(await targetOf(alias)).to.equal(roomId)
      expect((await alice.post(`${room(roomId)}/upgrade`, { new_version: '12' })).status).to.equal(200)
      expect(await targetOf(alias)).to.not.be.oneOf([roomId, forged.roomId])
    })
  }

  it('may stand in a ring, or say nothing that makes sense, and are read all the same', async () => {
    const first = nextRoomId(peer)
    const [, number = '0'] = /hosted(\d+)/.exec(first) ?? []
    const rooms: HostedRoom[] = []
    // Each claims to come after the next, the last after the first, one after itself.
    const ids = [0, 1, 2].map((n): RoomId => `!hosted${Number(number) + 2 * n}:${peer.serverName}`)
    for (const [at] of ids.entries()) {
      rooms.push(hostRoom(peer, '11', undefined, { predecessor: { room_id: ids[(at + 1) % 3]!, event_id: '$x' }, type: 'm.space' }))
    }
    const own = nextRoomId(peer)
    rooms.push(hostRoom(peer, '11', undefined, { predecessor: { room_id: own }, type: 'm.space' }))
    expect(rooms.map(({ roomId }) => roomId)).to.deep.equal([...ids, own])
    for (const [at, one] of rooms.entries()) {
      const next = at === 3 ? own : ids[(at + 2) % 3]!
      one.add({ type: 'm.room.tombstone', state_key: '', content: { body: 'x', replacement_room: next } })
      for (const { roomId } of rooms) one.add({ type: 'm.space.child', state_key: roomId, content: { via: [peer.serverName] } })
      one.message('canary')
    }
    for (const one of rooms) await join(bob, one)
    for (const { roomId } of rooms) {
      expect(await readEverything(among.server, roomId, [await readerOf(bob, 'join')])).to.deep.equal([])
      const hierarchy = await bob.get(`/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/hierarchy?max_depth=50`)
      expect(hierarchy.body.rooms).to.have.length(4)
      const filter = { rooms: [roomId] }
      const found = await bob.post('/search', { search_categories: { room_events: { search_term: 'canary', filter } } })
      expect(found.status, found.text).to.equal(200)
    }
    const odd: Json[] = [
      7,
      'x',
      [],
      {},
      { room_id: 7 },
      { room_id: '' },
      { room_id: '!nothing' },
      { room_id: '!a\u0000' },
      { room_id: {} },
      null,
    ]
    for (const predecessor of odd) {
      const one = hostRoom(peer, '11', undefined, { predecessor })
      await join(bob, one)
      const found = await bob.post('/search', { search_categories: { room_events: { search_term: 'x', filter: { rooms: [one.roomId] } } } })
      expect([found.status, JSON.stringify(predecessor)]).to.deep.equal([200, JSON.stringify(predecessor)])
    }
    expect(among.server.log()).to.not.match(/a request failed/)
  })

  it('are found by aliases of other servers only as what these may say', async () => {
    const secret: RoomId = (await alice.post('/createRoom', { preset: 'private_chat' })).body.room_id
    const answers: [Json, number][] = [
      [{ room_id: secret, servers: [peer.serverName] }, 403],
      [{ room_id: secret, servers: ['hs.test'] }, 403],
      [{ room_id: 7, servers: [] }, 502],
      [{ room_id: 'x', servers: [] }, 502],
      [{ room_id: secret }, 502],
      [{ room_id: secret, servers: {} }, 502],
      [[], 502],
      ['x', 502],
    ]
    for (const [at, [body, status]] of answers.entries()) {
      peer.on('GET', '/_matrix/federation/v1/query/directory', () => ({ body }))
      const answer = await bob.post(`/join/${encodeURIComponent(`#evil${at}:${peer.serverName}`)}`)
      expect([answer.status, answer.body.soft_logout], `${JSON.stringify(body)} ${answer.text}`).to.deep.equal([status, undefined])
    }
    const many = Array.from({ length: 20_000 }, (_, n) => `s${n}.invalid`)
    peer.on('GET', '/_matrix/federation/v1/query/directory', () => ({ body: { room_id: '!elsewhere:x', servers: many.slice(0, 10_000) } }))
    const { body } = await bob.get(`/directory/room/${encodeURIComponent(`#many:${peer.serverName}`)}`)
    expect(body.servers.length).to.be.at.most(100)
    // An alias of ours is nobody else's to give, and none of theirs ours.
    const put = await bob.put(`/directory/room/${encodeURIComponent(`#mine:${peer.serverName}`)}`, { room_id: secret })
    expect(put.status).to.be.oneOf([400, 403])
    const asked = await peer.ask(
      among.server,
      'GET',
      `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(`#evil:${peer.serverName}`)}`,
    )
    expect(asked.status).to.equal(404)
  })

  describe('and rooms that one enters by being in others', () => {
    const restrict = async (allow: unknown, join_rule = 'restricted'): Promise<RoomId> => {
      const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule, allow } }]
      const { body, text } = await alice.post('/createRoom', { room_version: '11', initial_state })
      expect(body.room_id, text).to.be.a('string')
      return body.room_id
    }
    const by = (...rooms: string[]) => rooms.map((room_id) => ({ type: 'm.room_membership', room_id }))
    const makeJoin = async (roomId: string, userId: UserId) => {
      const uri = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}?ver=11`
      const { status, body } = await peer.ask(among.server, 'GET', uri)
      return [status, body.errcode]
    }

    for (const rule of ['restricted', 'knock_restricted']) {
      it(`are shut where nobody here sees who is in those: ${rule}`, async () => {
        const unknown = hostRoom(peer, '11')
        const roomId = await restrict(by(unknown.roomId), rule)
        expect(await makeJoin(roomId, unknown.host)).to.deep.equal([400, 'M_UNABLE_TO_AUTHORISE_JOIN'])
        expect((await bob.post(`/join/${encodeURIComponent(roomId)}`)).status).to.equal(403)
        // Somebody of here was in it once: what was so then says nothing of now.
        await join(bob, unknown)
        expect(await makeJoin(roomId, unknown.host)).to.deep.equal([200, undefined])
        await bob.post(`${room(unknown.roomId)}/leave`)
        expect(await makeJoin(roomId, unknown.host)).to.deep.equal([400, 'M_UNABLE_TO_AUTHORISE_JOIN'])
        expect((await bob.post(`/join/${encodeURIComponent(roomId)}`)).status).to.equal(403)
      })
    }

    it('are shut to who was, is only invited to, or is banned from those, and to who says that somebody vouched', async () => {
      const { roomId: allowed } = await settle('11')
      const roomId = await restrict(by(allowed))
      const mallory = await joinAsPeer(peer, among.server, allowed, `mallory${people++}`)
      expect(await makeJoin(roomId, mallory.userId)).to.deep.equal([200, undefined])
      await alice.post(`${room(allowed)}/ban`, { user_id: mallory.userId })
      expect(await makeJoin(roomId, mallory.userId)).to.deep.equal([403, 'M_FORBIDDEN'])
      expect(await makeJoin(roomId, `@never:${peer.serverName}`)).to.deep.equal([403, 'M_FORBIDDEN'])
      const carol = await among.server.register(`carol${people++}`)
      const forged = { join_authorised_via_users_server: alice.userId, membership: 'join', third_party_signed: { sender: alice.userId } }
      expect((await carol.post(`/join/${encodeURIComponent(roomId)}`, forged)).status).to.equal(403)
      expect((await carol.put(`${room(roomId)}/state/m.room.member/${carol.userId}`, { ...forged })).status).to.equal(403)
      await alice.post(`${room(allowed)}/invite`, { user_id: carol.userId })
      expect((await carol.post(`/join/${encodeURIComponent(roomId)}`)).status).to.equal(403)
      await carol.post(`/join/${encodeURIComponent(allowed)}`)
      await carol.post(`${room(allowed)}/leave`)
      expect((await carol.post(`/join/${encodeURIComponent(roomId)}`)).status).to.equal(403)
    })

    it('are shut where what they say of those makes no sense', async () => {
      const { roomId: allowed } = await settle('11')
      const mallory = await joinAsPeer(peer, among.server, allowed, `mallory${people++}`)
      const wrong: Json[] = [
        7,
        allowed,
        {},
        [allowed],
        [{ type: 'm.room_membership' }],
        [{ type: 'other', room_id: allowed }],
        [{ room_id: allowed }],
      ]
      for (const allow of [...wrong, [{ type: 'm.room_membership', room_id: [allowed] }], [null]]) {
        const roomId = await restrict(allow)
        expect((await makeJoin(roomId, mallory.userId))[0], JSON.stringify(allow)).to.be.oneOf([400, 403])
        expect((await bob.post(`/join/${encodeURIComponent(roomId)}`)).status).to.equal(403)
      }
      const many = await restrict(by(...Array.from({ length: 300 }, (_, n) => `!room${n}:${peer.serverName}`)))
      expect((await makeJoin(many, mallory.userId))[0]).to.be.oneOf([400, 403])
    })
  })
})
