import { expect } from 'chai'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import { signPdu } from '../../../server/core/signatures.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { Body, TestUser } from '../../support/server.ts'
import { type PeerRoom, roomOfPeer } from './inviting-peer.ts'

describe('other servers that are asked for a signature or a place in a room', () => {
  let among: AmongPeers
  let peer: Peer
  let bob: TestUser
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    peer = among.peers[0] as Peer
  })
  after(() => among.close())
  beforeEach(async () => {
    bob = await among.server.register(`bob${people++}`)
    for (const { asked } of among.peers) asked.length = 0
  })
  const code = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]
  const puts = (path: string) => peer.asked.filter(({ method, path: asked }) => method === 'PUT' && asked.includes(path))

  describe('with proposals for a knock', () => {
    let room: PeerRoom
    let proposal: JsonObject
    beforeEach(() => {
      room = roomOfPeer(peer)
      proposal = {
        type: 'm.room.member',
        room_id: room.roomId,
        sender: bob.userId,
        state_key: bob.userId,
        content: { membership: 'knock' },
        auth_events: [],
        prev_events: [eventIdOf(room.create, room.rules)],
        depth: 2,
        origin_server_ts: 1,
      }
      peer.on('PUT', '/_matrix/federation/v1/send_knock/{roomId}/{eventId}', () => ({
        body: { knock_room_state: [room.create, room.name] },
      }))
    })
    const propose = (event: unknown, room_version: unknown = room.version) =>
      peer.on('GET', '/_matrix/federation/v1/make_knock/{roomId}/{userId}', () => ({ body: { room_version, event } }))
    const knock = () => bob.post(`/knock/${room.roomId}`, { reason: 'please' }, { query: { via: peer.serverName } })

    it('get back the event that the user meant, whatever they add', async () => {
      propose({
        ...proposal,
        content: { membership: 'knock', displayname: 'Mallory' },
        origin_server_ts: 99,
        unsigned: { age: 1 },
        redacts: '$x',
      })
      expect((await knock()).status).to.equal(200)
      const sent = puts('send_knock')[0]?.content
      expect(sent).to.have.all.keys(...Object.keys(proposal), 'hashes', 'signatures')
      expect(sent.content).to.deep.equal({ membership: 'knock', reason: 'please', ...(await profileOf(bob)) })
      expect(sent.origin_server_ts).to.not.equal(99)
      const state = (await bob.get('/sync')).body.rooms.knock[room.roomId].knock_state.events
      expect(state.map(({ type }: Body) => type)).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.member'])
    })

    it('get no signature when they propose something else', async () => {
      const stranger: UserId = `@mallory:${peer.serverName}`
      const another: RoomId = roomOfPeer(peer).roomId
      const wrong: Body[] = [
        { ...proposal, type: 'm.room.power_levels' },
        { ...proposal, sender: stranger },
        { ...proposal, state_key: stranger },
        { ...proposal, room_id: another },
        { ...proposal, content: { membership: 'join' } },
        { ...proposal, content: 5 },
        { ...proposal, depth: 2 ** 60 },
        { ...proposal, prev_events: Array.from({ length: 21 }, () => '$a') },
        { ...proposal, auth_events: [{}] },
        null,
        [],
        undefined,
      ]
      for (const event of wrong) {
        propose(event)
        expect(code(await knock()), JSON.stringify(event)).to.deep.equal([502, 'M_UNKNOWN'])
      }
      for (const version of ['6', '99', 12, null]) {
        propose(proposal, version)
        expect(code(await knock()), String(version)).to.deep.equal([400, 'M_UNSUPPORTED_ROOM_VERSION'])
      }
      expect(puts('send_knock')).to.deep.equal([])
      expect((await bob.get('/sync')).body.rooms).to.equal(undefined)
    })

    for (const version of ['10', '12'])
      it(`show nothing of the state that was not signed in rooms of version ${version}`, async () => {
        room = roomOfPeer(peer, version)
        propose({ ...proposal, room_id: room.roomId })
        const forged = { ...room.name, content: { name: 'A bank' }, signatures: {} }
        const answer = { knock_room_state: [room.create, forged, 5] }
        peer.on('PUT', '/_matrix/federation/v1/send_knock/{roomId}/{eventId}', () => ({ body: answer }))
        expect((await knock()).status).to.equal(200)
        const state = (await bob.get('/sync')).body.rooms.knock[room.roomId].knock_state.events
        expect(state.map(({ type }: Body) => type)).to.deep.equal(['m.room.create', 'm.room.member'])
      })

    it('say no in words that count before those who do not know, or are not there', async () => {
      const [, second] = among.peers as [Peer, Peer]
      const path = '/_matrix/federation/v1/make_knock/{roomId}/{userId}'
      peer.on('GET', path, () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'banned' } }))
      const via = (...servers: string[]) => bob.post(`/knock/${room.roomId}?${servers.map((server) => `via=${server}`).join('&')}`)
      second.on('GET', path, () => ({ status: 404, body: 'nothing' }))
      expect(code(await via(peer.serverName, second.serverName))).to.deep.equal([403, 'M_FORBIDDEN'])
      second.on('GET', path, () => ({ status: 404, body: { errcode: 'M_NOT_FOUND' } }))
      expect(code(await via(second.serverName, peer.serverName))).to.deep.equal([403, 'M_FORBIDDEN'])
      expect(code(await via('localhost:1', second.serverName))).to.deep.equal([404, 'M_NOT_FOUND'])
      expect(code(await via('localhost:1'))).to.deep.equal([502, 'M_UNKNOWN'])
    })

    it('are asked one after the other until one lets knock', async () => {
      const refusing = among.peers[1] as Peer
      refusing.on('GET', '/_matrix/federation/v1/make_knock/{roomId}/{userId}', () => ({
        status: 403,
        body: { errcode: 'M_FORBIDDEN', error: 'no' },
      }))
      propose(proposal)
      const query = `via=${refusing.serverName}&via=${peer.serverName}`
      expect((await bob.post(`/knock/${room.roomId}?${query}`)).status).to.equal(200)
      expect(refusing.asked).to.have.length(1)
    })
  })

  it('decline no more than an invitation for somebody who declines it', async () => {
    const room = roomOfPeer(peer)
    await room.send(among.server, room.invite(bob.userId))
    const proposal = {
      type: 'm.room.member',
      room_id: room.roomId,
      sender: bob.userId,
      state_key: bob.userId,
      depth: 4,
      prev_events: [],
      auth_events: [],
    }
    peer.on('GET', '/_matrix/federation/v1/make_leave/{roomId}/{userId}', () => ({
      body: { room_version: '12', event: { ...proposal, content: { membership: 'join' } } },
    }))
    expect((await bob.post(`/rooms/${room.roomId}/leave`)).status).to.equal(200)
    expect(puts('send_leave')).to.deep.equal([])
    expect((await bob.get('/sync')).body.rooms?.invite).to.equal(undefined)
  })

  describe('to sign an invitation', () => {
    let roomId: RoomId
    let invited: UserId
    beforeEach(async () => {
      roomId = (await bob.post('/createRoom', { name: 'Ours' })).body.room_id
      invited = `@carol:${peer.serverName}`
    })
    const answer = (make: (event: Pdu, roomId: string) => { status?: number; body: unknown }) =>
      peer.on('PUT', '/_matrix/federation/v2/invite/{roomId}/{eventId}', ({ content }) => make(content.event, content.room_version))
    const signed = (event: Pdu) => signPdu(event, roomOfPeer(peer).rules, peer.serverName, peer.signingKey)
    const invite = () => bob.post(`/rooms/${roomId}/invite`, { user_id: invited })
    const membership = async () => (await bob.get(`/rooms/${roomId}/state/m.room.member/${invited}`)).body.membership

    it('are told the room with whole events, and give but their signature', async () => {
      answer((event) => ({
        body: { event: { ...signed(event), content: { membership: 'invite', displayname: 'Mallory' }, unsigned: { x: 1 } } },
      }))
      expect((await invite()).status).to.equal(200)
      const { content } = puts('/v2/invite/')[0] as { content: Body }
      expect(content.room_version).to.equal('12')
      const types = content.invite_room_state.map(({ type }: Pdu) => type)
      expect(types).to.deep.equal(['m.room.create', 'm.room.name', 'm.room.join_rules', 'm.room.member'])
      for (const pdu of content.invite_room_state) expect(pdu).to.include.all.keys('hashes', 'signatures', 'auth_events')
      expect(`!${eventIdOf(content.invite_room_state[0], roomOfPeer(peer).rules).slice(1)}`).to.equal(roomId)
      const stored = [...(await among.server.server.graph.members(roomId, [invited])).values()][0]?.pdu
      expect(stored?.content).to.deep.equal({ membership: 'invite' })
      expect(stored?.signatures).to.have.all.keys('hs.test', peer.serverName)
      expect(stored).to.not.have.property('unsigned')
    })

    it('invite nobody without their signature', async () => {
      const forged = { [peer.signingKey.keyId]: 'a'.repeat(86) }
      const wrong: unknown[] = [
        {},
        { event: 5 },
        { event: { signatures: {} } },
        { event: { signatures: { [peer.serverName]: forged } } },
        { event: { signatures: { [peer.serverName]: { 'ed25519:unknown': 'a' } } } },
      ]
      for (const body of wrong) {
        answer(() => ({ body }))
        expect(code(await invite()), JSON.stringify(body)).to.deep.equal([502, 'M_UNKNOWN'])
      }
      answer((event) => ({ body: { event: signed({ ...event, depth: 99 }) } }))
      expect(code(await invite())).to.deep.equal([502, 'M_UNKNOWN'])
      expect(await membership()).to.equal(undefined)
    })

    it('refuse in words that are passed on, but for what only servers understand', async () => {
      const refusals: [number, string, number, string][] = [
        [403, 'M_FORBIDDEN', 403, 'M_FORBIDDEN'],
        [403, 'M_INVITE_BLOCKED', 403, 'M_INVITE_BLOCKED'],
        [400, 'M_INCOMPATIBLE_ROOM_VERSION', 400, 'M_INCOMPATIBLE_ROOM_VERSION'],
        [400, 'M_INVALID_PARAM', 502, 'M_UNKNOWN'],
        [400, 'M_MISSING_PARAM', 502, 'M_UNKNOWN'],
        [404, 'M_UNRECOGNIZED', 400, 'M_UNSUPPORTED_ROOM_VERSION'],
        [401, 'M_UNKNOWN_TOKEN', 502, 'M_UNKNOWN'],
        [403, 'M_USER_LOCKED', 502, 'M_UNKNOWN'],
        [500, 'M_UNKNOWN', 502, 'M_UNKNOWN'],
      ]
      for (const [status, errcode, told, as] of refusals) {
        answer(() => ({ status, body: { errcode, error: 'no' } }))
        expect(code(await invite()), errcode).to.deep.equal([told, as])
      }
      expect(await membership()).to.equal(undefined)
    })

    it('are asked in the former way in rooms of versions 1 and 2, if they do not know the present one', async () => {
      for (const version of ['1', '2', '3']) {
        roomId = (await bob.post('/createRoom', { room_version: version })).body.room_id
        const rules = roomRules(version)!
        answer(() => ({ status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'no' } }))
        peer.on('PUT', '/_matrix/federation/v1/invite/{roomId}/{eventId}', ({ content: { unsigned, ...event }, params }) => {
          expect(unsigned.invite_room_state[0].type).to.equal('m.room.create')
          expect(event.event_id).to.equal(params['eventId'])
          return { body: [200, { event: signPdu(event as Pdu, rules, peer.serverName, peer.signingKey) }] }
        })
        expect((await invite()).status, version).to.equal(version === '3' ? 400 : 200)
        expect(await membership()).to.equal(version === '3' ? undefined : 'invite')
      }
    })

    it('and those in the room hear of it once', async () => {
      const other = among.peers[1] as Peer
      const initial_state = [{ type: 'm.room.join_rules', content: { join_rule: 'public' } }]
      roomId = (await bob.post('/createRoom', { initial_state })).body.room_id
      other.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
      await joinAsPeer(other, among.server, roomId)
      answer((event) => ({ body: { event: signed(event) } }))
      expect((await invite()).status).to.equal(200)
      await bob.put(`/rooms/${roomId}/send/m.room.message/last`, { msgtype: 'm.text', body: 'last' })
      await other.until(({ text }) => text.includes('"last"'))
      const pdus: Pdu[] = other.asked.flatMap(({ path, content }) => (path.includes('/send/') ? content.pdus : []))
      expect(pdus.filter(({ state_key }) => state_key === invited)).to.have.length(1)
    })

    it('may take their time while the room goes on', async () => {
      answer((event) => ({ body: { event: signed(event) } }))
      let said: Promise<unknown> = Promise.resolve()
      peer.on('PUT', '/_matrix/federation/v2/invite/{roomId}/{eventId}', async ({ content }) => {
        said = bob.put(`/rooms/${roomId}/send/m.room.message/1`, { msgtype: 'm.text', body: 'meanwhile' })
        await said
        return { body: { event: signed(content.event) } }
      })
      expect((await invite()).status).to.equal(200)
      expect(await membership()).to.equal('invite')
      const { chunk } = (await bob.get(`/rooms/${roomId}/messages`, { query: { dir: 'b' } })).body
      expect(chunk.map(({ type }: Body) => type)).to.include('m.room.message')
    })
  })
})

async function profileOf(user: TestUser): Promise<Body> {
  return (await user.get(`/profile/${user.userId}`)).body
}
