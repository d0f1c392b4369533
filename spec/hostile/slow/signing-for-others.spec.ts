import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { generateSigningKey, signJson } from '../../../server/core/signatures.ts'
import { inviteUri, roomOfPeer } from '../../server/membership/inviting-peer.ts'
import { type SignerWitness, watchSigner } from '../../support/hostile/signer.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { type HostedRoom, hostRoom, proposal } from '../../support/peers/hosted-room.ts'
import type { Body, TestUser } from '../../support/server.ts'

/** What an event of a membership is signed with, and nothing beside it. */
const fields = ['auth_events', 'content', 'depth', 'hashes', 'origin_server_ts', 'prev_events', 'room_id', 'sender', 'state_key', 'type']
const twenty = Array.from({ length: 21 }, (_, n) => `$${n}`)

/** Everything that a proposal could say instead of what was asked for; some of it is harmless, since nothing of it counts. */
const twists = (of: JsonObject, stranger: UserId): Readonly<Record<string, unknown>> => {
  const said = of['content'] as JsonObject
  return {
    'another type': { ...of, type: 'm.room.power_levels' },
    'a type that is none': { ...of, type: 7 },
    'another sender': { ...of, sender: stranger },
    'another user of ours as sender': { ...of, sender: '@alice:hs.test' },
    'another state key': { ...of, state_key: stranger },
    'another user of ours as target': { ...of, state_key: '@alice:hs.test' },
    'no state key': { ...of, state_key: undefined },
    'another room': { ...of, room_id: '!another:hs.test' },
    'no room': { ...of, room_id: undefined },
    'another membership': { ...of, content: { ...said, membership: 'ban' } },
    'an invitation': { ...of, content: { ...said, membership: 'invite' }, state_key: stranger },
    'no content': { ...of, content: undefined },
    'content that is a list': { ...of, content: [said] },
    'more content': { ...of, content: { ...said, displayname: 'forged', avatar_url: 'mxc://forged/x', reason: 'forged', forged: 1 } },
    'a third-party invite': { ...of, content: { ...said, third_party_invite: { signed: { mxid: stranger } } } },
    'one of ours who vouches': { ...of, content: { ...said, join_authorised_via_users_server: '@alice:hs.test' } },
    'more fields': {
      ...of,
      redacts: '$forged',
      unsigned: { forged: 1 },
      origin: 'forged',
      event_id: '$forged:x',
      membership: 'ban',
      prev_state: [],
    },
    'a hash and signatures': { ...of, hashes: { sha256: 'forged' }, signatures: { 'hs.test': { 'ed25519:x': 'forged' } } },
    'another time': { ...of, origin_server_ts: 1 },
    'a time that is none': { ...of, origin_server_ts: 'forged' },
    'a huge depth': { ...of, depth: 2 ** 53 - 1 },
    'a depth out of bounds': { ...of, depth: 2 ** 60 },
    'a depth below none': { ...of, depth: -1 },
    'half a depth': { ...of, depth: 1.5 },
    'a depth in words': { ...of, depth: '1' },
    'too many events before it': { ...of, prev_events: twenty },
    'too many events that authorise it': { ...of, auth_events: twenty },
    'events that are none': { ...of, prev_events: ['forged'], auth_events: [7] },
    'pairs as events': { ...of, prev_events: [['$a:x', { sha256: 'x' }]] },
    'no lists': { ...of, prev_events: 'forged', auth_events: null },
    'a list': [of],
    nothing: null,
    text: 'forged',
  }
}

/** S-03. Nothing has this server sign anything but a membership of one of its users, which it built itself, or an invitation for one. */
describe('what other servers have this one sign (S-03)', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let bob: TestUser
  let witness: SignerWitness
  let people = 0
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
    alice = await among.server.register('alice')
    witness = watchSigner(among.server.server.home.signingKey)
  })
  after(async () => {
    witness?.end()
    await among?.close()
  })
  beforeEach(async () => {
    bob = await among.server.register(`bob${people++}`)
    witness.takeEvents()
  })
  afterEach(() => expect(witness.strange).to.deep.equal([]))

  const stranger = (): UserId => `@mallory:${peer.serverName}`
  const path = (...parts: string[]) => `/_matrix/federation/${parts.map(encodeURIComponent).join('/')}`
  const ask = (method: string, uri: string, content?: unknown) => peer.ask(among.server, method, uri, content as JsonObject)

  /** What was signed since, which may only be this membership of bob in this room. */
  function checkSigned(words: string, roomId: RoomId, membership: string): number {
    const events = witness.takeEvents()
    for (const event of events) {
      const allowed = membership === 'join' ? ['membership', 'join_authorised_via_users_server'] : ['membership']
      expect(event, words).to.have.all.keys(fields)
      expect(event, words).to.deep.include({ type: 'm.room.member', room_id: roomId, sender: bob.userId, state_key: bob.userId })
      const { content, depth } = event as Body
      expect(allowed, words).to.include.members(Object.keys(content))
      expect(content.membership, words).to.equal(membership)
      expect(depth, words).to.be.within(0, Number.MAX_SAFE_INTEGER)
      expect(JSON.stringify(event), words).to.not.include('forged')
    }
    return events.length
  }
  const propose = (room: HostedRoom, membership: string, body: unknown) =>
    peer.on('GET', `${room.path(`make_${membership}`)}/{userId}`, () => ({ body }))

  for (const version of ['6', '10', '12']) {
    it(`is their own join as they meant it, whatever is proposed, in version ${version}`, async () => {
      let signed = 0
      for (const words of Object.keys(twists({ content: {} }, '@x:y'))) {
        const room = hostRoom(peer, version)
        const event = twists(proposal(room, bob.userId, 'join'), stranger())[words]
        propose(room, 'join', { room_version: version, event })
        const { status, body } = await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
        signed += checkSigned(words, room.roomId, 'join')
        expect(status, `${words} ${JSON.stringify(body)}`).to.be.oneOf([200, 403, 502])
        await bob.post(`/rooms/${encodeURIComponent(room.roomId)}/leave`)
        witness.takeEvents()
      }
      expect(signed).to.be.greaterThan(5)
    })

    it(`is nothing for a room of another version than it can be, in version ${version}`, async () => {
      for (const room_version of ['99', '', 7, {}, null, ['12'], '1', 'org.example', version === '12' ? '11' : '12']) {
        const room = hostRoom(peer, version)
        propose(room, 'join', { room_version, event: proposal(room, bob.userId, 'join') })
        const { status } = await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
        expect(status, JSON.stringify(room_version)).to.be.oneOf([400, 403, 502])
        checkSigned(JSON.stringify(room_version), room.roomId, 'join')
        expect((await bob.get('/joined_rooms')).body.joined_rooms).to.deep.equal([])
      }
    })
  }

  for (const version of ['7', '12']) {
    it(`is their own knock as they meant it, or nothing, in version ${version}`, async () => {
      let signed = 0
      for (const words of Object.keys(twists({ content: {} }, '@x:y'))) {
        const room = hostRoom(peer, version, { join_rule: 'knock' })
        propose(room, 'knock', { room_version: version, event: twists(proposal(room, bob.userId, 'knock'), stranger())[words] })
        const { status } = await bob.post(`/knock/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
        expect(status, words).to.be.oneOf([200, 502])
        const count = checkSigned(words, room.roomId, 'knock')
        expect(count, words).to.equal(status === 200 ? 1 : 0)
        signed += count
      }
      expect(signed).to.be.within(5, 12)
    })

    it(`is their own leave as they meant it, or nothing, in version ${version}`, async () => {
      for (const words of Object.keys(twists({ content: {} }, '@x:y'))) {
        const room = hostRoom(peer, version)
        const { pdu, eventId } = room.make({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'invite' } })
        const state = room.state().map((one) => one.pdu as unknown as JsonObject)
        const invited = { room_version: version, event: pdu as unknown as JsonObject, invite_room_state: state }
        expect((await ask('PUT', inviteUri(room.roomId, eventId), invited)).status).to.equal(200)
        witness.takeEvents()
        propose(room, 'leave', { room_version: version, event: twists(proposal(room, bob.userId, 'leave'), stranger())[words] })
        const { status } = await bob.post(`/rooms/${encodeURIComponent(room.roomId)}/leave`)
        expect(status, words).to.equal(200)
        expect(checkSigned(words, room.roomId, 'leave'), words).to.equal(1)
      }
    })
  }

  it('is no event that is called an invitation and is something else', async () => {
    const room = roomOfPeer(peer)
    const invite = (of: Partial<UnsignedPdu>) => room.invite(bob.userId, of)
    const wrong = [
      invite({ type: 'm.room.power_levels', content: { users: { [stranger()]: 100 } } }),
      invite({ type: 'm.room.member', content: { membership: 'join' } }),
      invite({ content: { membership: 'join', join_authorised_via_users_server: alice.userId } }),
      invite({ content: { membership: 'leave' } }),
      invite({ content: { membership: 'ban' } }),
      invite({ content: {} }),
      invite({ sender: alice.userId }),
      invite({ sender: bob.userId }),
      invite({ sender: alice.userId, content: { membership: 'invite', third_party_invite: { signed: { mxid: bob.userId } } } }),
      invite({ state_key: stranger() }),
      invite({ state_key: '' }),
      invite({ type: 'm.room.create', state_key: '', content: { room_version: '12' } }),
      invite({ room_id: '!another:hs.test' }),
    ]
    for (const { pdu, eventId } of wrong) {
      for (const version of ['v1', 'v2']) {
        const body = version === 'v1' ? { ...(pdu as unknown as JsonObject), event_id: `$x:${peer.serverName}` } : room.body(pdu)
        const { status, text } = await ask('PUT', inviteUri(room.roomId, eventId, version), body)
        expect(status, text).to.be.oneOf([400, 403])
      }
    }
    expect(witness.takeEvents()).to.deep.equal([])
    const { pdu, eventId } = invite({})
    expect((await ask('PUT', inviteUri(room.roomId, eventId), room.body(pdu))).status).to.equal(200)
    expect(witness.takeEvents()).to.have.length(1)
  })

  it('is nothing that is handed in for one of ours, or is no join of theirs for which one of ours may vouch', async () => {
    for (const version of ['10', '12']) {
      const rules = roomRules(version) as RoomRules
      const allowing: RoomId = (await alice.post('/createRoom', { preset: 'public_chat', room_version: version })).body.room_id
      const allow = [{ type: 'm.room_membership', room_id: allowing }]
      const content = { join_rule: 'restricted', allow }
      const initial_state = [{ type: 'm.room.join_rules', state_key: '', content }]
      const restricted: RoomId = (await alice.post('/createRoom', { room_version: version, initial_state })).body.room_id
      witness.takeEvents()
      for (const roomId of [allowing, restricted]) {
        const room = (await among.server.server.graph.room(roomId))!
        const base = {
          room_id: roomId,
          prev_events: [...room.extremities],
          auth_events: ['m.room.power_levels', 'm.room.join_rules', 'm.room.create'].flatMap((type) => {
            return type === 'm.room.create' && rules.roomIdIsCreateHash ? [] : [room.state(type, '')!.eventId]
          }),
          depth: 20,
          origin_server_ts: Date.now(),
          type: 'm.room.member',
        }
        for (const membership of ['join', 'leave', 'knock']) {
          for (const of of [
            { sender: alice.userId, state_key: alice.userId, content: { membership } },
            { sender: bob.userId, state_key: bob.userId, content: { membership, join_authorised_via_users_server: alice.userId } },
            { sender: stranger(), state_key: bob.userId, content: { membership, join_authorised_via_users_server: alice.userId } },
            { sender: stranger(), state_key: stranger(), content: { membership: 'ban', join_authorised_via_users_server: alice.userId } },
            { sender: stranger(), state_key: stranger(), content: { membership, join_authorised_via_users_server: alice.userId } },
          ] as Partial<UnsignedPdu>[]) {
            const { pdu, eventId } = peer.sign({ ...base, ...of } as UnsignedPdu, rules)
            const { status, text } = await ask(
              'PUT',
              path(membership === 'knock' ? 'v1' : 'v2', `send_${membership}`, roomId, eventId),
              pdu,
            )
            expect(status, `${JSON.stringify(of)} ${text}`).to.be.oneOf([400, 403])
          }
        }
      }
      expect(witness.takeEvents()).to.deep.equal([])
    }
  })

  it('is an invitation by a third-party identifier only where one of ours promised it', async () => {
    const identity = generateSigningKey(randomBytes(32))
    const roomId: RoomId = (await alice.post('/createRoom', {})).body.room_id
    const promise = { display_name: 'b', public_key: encodeBase64(identity.publicKey) }
    await alice.put(`/rooms/${roomId}/state/m.room.third_party_invite/token`, promise)
    witness.takeEvents()
    const signed = (of: JsonObject = {}) => signJson({ mxid: stranger(), token: 'token', ...of }, 'identity.test', identity)
    const event = (of: Body = {}, by = signed()): Body => ({
      type: 'm.room.member',
      room_id: roomId,
      sender: alice.userId,
      state_key: stranger(),
      content: { membership: 'invite', third_party_invite: { display_name: 'forged', signed: by } },
      ...of,
    })
    const wrong = [
      event({ type: 'm.room.power_levels' }),
      event({ content: { membership: 'join', third_party_invite: { signed: signed() } } }),
      event({ sender: bob.userId }),
      event({ sender: '@nobody:hs.test' }),
      event({ state_key: bob.userId }, signed({ mxid: bob.userId })),
      event({ room_id: '!another:hs.test' }),
      event({}, signed({ token: 'another' })),
      event({}, signed({ token: '__proto__' })),
    ]
    for (const content of wrong) {
      expect((await ask('PUT', path('v1', 'exchange_third_party_invite', roomId), content)).status).to.be.oneOf([400, 403, 404])
    }
    expect(witness.takeEvents()).to.deep.equal([])
    await ask('PUT', path('v1', 'exchange_third_party_invite', roomId), event({ depth: 1, forged: 1, redacts: '$forged' }))
    const events = witness.takeEvents()
    expect(events).to.have.length(1)
    expect(events[0]).to.deep.include({ type: 'm.room.member', room_id: roomId, sender: alice.userId, state_key: stranger() })
    expect(JSON.stringify(events)).to.not.include('forged')
  })

  it('is no event in the clothes of what a server says of its keys', async () => {
    const event = { type: 'm.room.member', sender: alice.userId, state_key: alice.userId, content: { membership: 'leave' }, room_id: '!x' }
    const fresh = await among.addPeer()
    const { serverName, signingKey } = fresh
    const verify_keys = { [signingKey.keyId]: { key: encodeBase64(signingKey.publicKey) } }
    const keys = { server_name: serverName, valid_until_ts: Date.now() + 86_400_000, verify_keys, old_verify_keys: {}, ...event }
    fresh.on('GET', '/_matrix/key/v2/server', () => ({ body: signJson(keys, serverName, signingKey) }))
    const told = await among.server.anonymous.get(`/_matrix/key/v2/query/${encodeURIComponent(serverName)}`)
    const seen = witness.takeEvents()
    expect(seen).to.have.length(1)
    // Whoever takes an event of it prunes it first: it is signed with what no pruned event has.
    for (const one of seen) expect(one).to.include.all.keys('verify_keys', 'server_name')
    expect(told.status).to.equal(200)
  })
})
