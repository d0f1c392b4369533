import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { verifyPdu } from '../../../server/core/signatures.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import type { Body, TestUser } from '../../support/server.ts'
import { inviteUri, type PeerRoom, roomOfPeer } from './inviting-peer.ts'

describe('invitations that other servers bring', () => {
  let among: AmongPeers
  let peer: Peer
  let other: Peer
  let bob: TestUser
  let room: PeerRoom
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    peer = among.peers[0] as Peer
    other = among.peers[1] as Peer
  })
  after(() => among.close())
  beforeEach(async () => {
    bob = await among.server.register(`bob${people++}`)
    room = roomOfPeer(peer)
  })

  const invites = async (): Promise<Body> => (await bob.get('/sync')).body.rooms?.invite ?? {}
  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
  const refused = [400, 'M_INVALID_PARAM']
  const typesIn = (invite: Body) => invite.invite_state.events.map(({ type }: Body) => type)

  it('are signed and given back as they came, and shown with the state that came along', async () => {
    const invite = room.invite(bob.userId)
    const { status, body } = await room.send(among.server, invite)
    expect(status).to.equal(200)
    const { signatures, ...rest } = body.event
    const { signatures: before, ...asItCame } = invite.pdu
    expect(rest).to.deep.equal(asItCame)
    expect(signatures[peer.serverName]).to.deep.equal(before[peer.serverName])
    const { serverName, signingKey } = among.server.server.home
    expect(verifyPdu(body.event, room.rules, serverName, signingKey.keyId, signingKey.publicKey)).to.equal(true)
    const shown = (await invites())[room.roomId]
    expect(typesIn(shown)).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.member'])
    expect(shown.invite_state.events[1]).to.deep.equal({
      type: 'm.room.name',
      state_key: '',
      sender: room.inviter,
      content: { name: 'Elsewhere' },
    })
  })

  it('are known when they come again, and are no news then', async () => {
    const invite = room.invite(bob.userId)
    await room.send(among.server, invite)
    const { next_batch: since } = (await bob.get('/sync')).body
    expect((await room.send(among.server, invite)).status).to.equal(200)
    expect((await bob.get('/sync', { query: { since } })).body.rooms).to.equal(undefined)
  })

  it('stand after a restart', async () => {
    await room.send(among.server, room.invite(bob.userId))
    await among.restart()
    const again = among.server.as(bob.token)
    expect(typesIn((await again.get('/sync')).body.rooms.invite[room.roomId])).to.include('m.room.name')
  })

  it('are never signed when they are something else, or for or by somebody else', async () => {
    const foreign: UserId = `@bob:${other.serverName}`
    const wrong = {
      'another type': room.invite(bob.userId, { type: 'm.room.name' }),
      'no state key': room.sign({ type: 'm.room.member', content: { membership: 'invite' } }),
      'another membership': room.invite(bob.userId, { content: { membership: 'join' } }),
      'another room': room.invite(bob.userId, { room_id: '!another:hs.test' }),
      'a sender of another server': room.invite(bob.userId, { sender: foreign }),
      'a sender of this server': room.invite(bob.userId, { sender: bob.userId }),
      'a user of another server': room.invite(foreign),
    }
    for (const [what, event] of Object.entries(wrong)) expect(code(await room.send(among.server, event)), what).to.deep.equal(refused)
    const { pdu, eventId } = room.invite(bob.userId)
    const ask = (event: JsonObject | Pdu, id: string = eventId) =>
      peer.ask(among.server, 'PUT', inviteUri(room.roomId, id), room.body(event as Pdu))
    expect(code(await ask(pdu, room.invite(bob.userId, { depth: 9 }).eventId)), 'another id').to.deep.equal(refused)
    expect(code(await ask({ ...pdu, content: { ...pdu.content, is_direct: true } })), 'content that was not hashed').to.deep.equal(refused)
    expect(code(await ask({ ...pdu, signatures: {} })), 'no signature').to.deep.equal(refused)
    const theirs = room.sign({ ...pdu, signatures: undefined, hashes: undefined } as unknown as Partial<Pdu>, other).pdu.signatures
    const forged = { [peer.serverName]: theirs[other.serverName] as Record<string, string> }
    expect(code(await ask({ ...pdu, signatures: forged })), 'the key of another server').to.deep.equal(refused)
    expect(code(await ask({ nothing: true })), 'no event').to.deep.equal(refused)
    expect(await invites()).to.deep.equal({})
  })

  it('are refused for rooms of versions that nobody knows, and for users that there are not', async () => {
    const invite = room.invite(bob.userId)
    expect(code(await room.send(among.server, invite, { room_version: '99' }))).to.deep.equal([400, 'M_INCOMPATIBLE_ROOM_VERSION'])
    expect(code(await room.send(among.server, invite, { room_version: undefined }))).to.deep.equal([400, 'M_MISSING_PARAM'])
    expect(code(await room.send(among.server, invite, { room_version: 12 }))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(code(await room.send(among.server, invite, { event: [] }))).to.deep.equal([400, 'M_BAD_JSON'])
    expect(code(await room.send(among.server, room.invite('@nobody:hs.test')))).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(await invites()).to.deep.equal({})
  })

  it('bear a third-party invite and yet need the signature of the server that brings them', async () => {
    const content = {
      membership: 'invite',
      third_party_invite: { display_name: 'b', signed: { mxid: bob.userId, token: 't', signatures: {} } },
    }
    const { pdu, eventId } = room.invite(bob.userId, { content })
    const unsigned = { ...pdu, signatures: {} } as Pdu
    expect(code(await room.send(among.server, { pdu: unsigned, eventId }))).to.deep.equal(refused)
  })

  describe('with the state of the room', () => {
    const withState = (of: PeerRoom, invite_room_state: unknown) =>
      of.send(among.server, of.invite(bob.userId), { invite_room_state: invite_room_state as JsonObject[] })
    const stripped = ({ type, state_key, sender, content }: Pdu) => ({ type, state_key, sender, content })

    it('must hold the create event that names the room, as it was signed', async () => {
      const another = roomOfPeer(peer)
      const tampered = { ...room.create, content: { ...room.create.content, type: 'm.space' } }
      for (const state of [
        undefined,
        5,
        [],
        [room.name],
        [another.create],
        [tampered],
        [{ ...room.create, signatures: {} }],
        [null],
        [room.create, another.name],
      ]) {
        expect(code(await withState(room, state)), JSON.stringify(state)).to.deep.equal(refused)
      }
      expect(await invites()).to.deep.equal({})
      expect((await withState(room, [room.create])).status).to.equal(200)
    })

    it('may be stripped by servers that do not know better', async () => {
      expect((await withState(room, [stripped(room.create), stripped(room.name)])).status).to.equal(200)
      expect(typesIn((await invites())[room.roomId])).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.member'])
    })

    it('is taken as it is in older rooms, but for what is no state at all', async () => {
      const old = roomOfPeer(peer, '10')
      const unsure = { ...old.name, content: { name: [] }, signatures: {} }
      const junk = [
        5,
        null,
        {},
        { type: 'm.room.topic' },
        { ...stripped(old.name), type: 7 },
        { ...stripped(old.name), content: [] },
        { ...stripped(old.name), sender: 'x' },
      ]
      expect((await withState(old, [...junk, unsure])).status).to.equal(200)
      expect(typesIn((await invites())[old.roomId])).to.deep.equal(['m.room.name', 'm.room.member'])
      const none = roomOfPeer(peer, '11')
      expect((await withState(none, 5)).status).to.equal(200)
      expect(typesIn((await invites())[none.roomId])).to.deep.equal(['m.room.member'])
      const lists = { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } } }
      expect((await bob.post('/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', lists)).status).to.equal(200)
    })

    it('is bounded, however much comes', async () => {
      const old = roomOfPeer(peer, '10')
      const many = Array.from({ length: 5000 }, (_, at) => ({ ...stripped(old.name), state_key: String(at) }))
      expect((await withState(old, [stripped(old.create), ...many])).status).to.equal(200)
      expect(typesIn((await invites())[old.roomId]).length).to.be.lessThan(40)
      const large = Array.from({ length: 20 }, (_, at) => ({
        ...stripped(old.name),
        state_key: String(at),
        content: { name: 'x'.repeat(40_000) },
      }))
      const next = roomOfPeer(peer, '10')
      expect((await withState(next, large)).status).to.equal(200)
      expect(JSON.stringify((await invites())[next.roomId]).length).to.be.lessThan(60_000)
    })
  })

  it('come in the old form for the oldest rooms', async () => {
    const old = roomOfPeer(peer, '1')
    const { pdu, eventId } = old.invite(bob.userId)
    const event = { ...pdu, unsigned: { invite_room_state: [old.create, old.name] } } as unknown as JsonObject
    const { status, body } = await peer.ask(among.server, 'PUT', inviteUri(old.roomId, eventId, 'v1'), event)
    expect([status, body[0]]).to.deep.equal([200, 200])
    expect(body[1].event.signatures).to.have.all.keys(peer.serverName, 'hs.test')
    expect(typesIn((await invites())[old.roomId])).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.member'])
    const newer = room.invite(bob.userId)
    expect(
      code(await peer.ask(among.server, 'PUT', inviteUri(room.roomId, newer.eventId, 'v1'), newer.pdu as unknown as JsonObject)),
    ).to.deep.equal(refused)
  })

  it('are bounded for each user and server, and leave room for those of others', async () => {
    for (let at = 0; at < 100; at++) {
      const next = roomOfPeer(peer, '10')
      expect((await next.send(among.server, next.invite(bob.userId))).status).to.equal(200)
    }
    expect(code(await room.send(among.server, room.invite(bob.userId)))).to.deep.equal([429, 'M_LIMIT_EXCEEDED'])
    const elsewhere = roomOfPeer(other)
    expect((await elsewhere.send(among.server, elsewhere.invite(bob.userId))).status).to.equal(200)
    expect(Object.keys(await invites())).to.have.length(101)
  })

  describe('to rooms that this server is in', () => {
    let alice: TestUser
    let roomId: RoomId
    let member: PeerMember
    beforeEach(async () => {
      alice = await among.server.register(`alice${people}`)
      const initial_state = [{ type: 'm.room.join_rules', content: { join_rule: 'public' } }]
      roomId = (await alice.post('/createRoom', { initial_state })).body.room_id
      member = await joinAsPeer(peer, among.server, roomId)
    })
    const invite = async () => {
      const { pdu, eventId } = await member.event({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'invite' } })
      const body = { room_version: '12', event: pdu as unknown as JsonObject, invite_room_state: [] }
      return peer.ask(among.server, 'PUT', inviteUri(roomId, eventId), body)
    }

    it('are signed, and stand once the room has them', async () => {
      const { status, body } = await invite()
      expect([status, Object.keys(body.event.signatures)]).to.deep.equal([200, ['hs.test', peer.serverName].sort()])
      expect(await invites()).to.deep.equal({})
      const content = { origin: peer.serverName, origin_server_ts: 1, pdus: [body.event] }
      await peer.ask(among.server, 'PUT', '/_matrix/federation/v1/send/resident', content)
      expect(await invites()).to.have.property(roomId)
    })

    it('are refused for those who are in it or banned, and to servers that it does not let in', async () => {
      await bob.post(`/join/${roomId}`)
      expect(code(await invite())).to.deep.equal([403, 'M_FORBIDDEN'])
      await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })
      expect(code(await invite())).to.deep.equal([403, 'M_FORBIDDEN'])
      await alice.post(`/rooms/${roomId}/unban`, { user_id: bob.userId })
      expect((await invite()).status).to.equal(200)
      await alice.put(`/rooms/${roomId}/state/m.room.server_acl`, { allow: ['*'], deny: ['localhost'] })
      expect(code(await invite())).to.deep.equal([403, 'M_FORBIDDEN'])
    })
  })

  describe('once they stand', () => {
    beforeEach(async () => {
      await room.send(among.server, room.invite(bob.userId))
    })
    let transactions = 0
    const bring = (pdu: Pdu, by = peer) =>
      by.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${transactions++}`, {
        origin: by.serverName,
        origin_server_ts: Date.now(),
        pdus: [pdu as unknown as JsonObject],
      })
    const end = (of: Partial<Pdu>, as = peer) =>
      room.sign({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'leave' }, ...of }, as).pdu

    it('are ended by whom they are from, and by nobody else', async () => {
      const inviteId = (await among.server.server.graph.memberships(bob.userId)).get(room.roomId)?.eventId ?? '$'
      const stranger: UserId = `@mallory:${other.serverName}`
      await bring(end({ auth_events: [inviteId], sender: stranger }, other), other)
      await bring(end({ auth_events: [inviteId] }, other), other)
      await bring(end({ auth_events: [inviteId], sender: `@dave:${peer.serverName}` }))
      await bring({ ...end({ auth_events: [inviteId] }), signatures: {} })
      await bring(end({ auth_events: ['$anEarlierOne'] }))
      await bring(end({ auth_events: [inviteId], content: { membership: 'join' } }))
      await bring(end({ auth_events: [inviteId], type: 'm.room.name' }))
      expect(await invites()).to.have.property(room.roomId)
      await bring(end({ auth_events: [inviteId] }))
      expect(await invites()).to.not.have.property(room.roomId)
    })

    it('are declined here when the server that brought them is not there any more', async () => {
      await peer.down()
      const { next_batch: since } = (await bob.get('/sync')).body
      expect((await bob.post(`/rooms/${room.roomId}/leave`)).status).to.equal(200)
      const { rooms } = (await bob.get('/sync', { query: { since } })).body
      expect(rooms.leave[room.roomId].timeline.events[0].content).to.deep.equal({ membership: 'leave' })
      expect(await invites()).to.not.have.property(room.roomId)
      await peer.up()
    })
  })
})
