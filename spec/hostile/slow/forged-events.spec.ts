import { randomBytes } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import { expect } from 'chai'
import { encodeBase64 } from '../../../server/core/base64.ts'
import { eventIdOf } from '../../../server/core/hashes.ts'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import { generateSigningKey, signJson, signPdu } from '../../../server/core/signatures.ts'
import { inviteUri, roomOfPeer } from '../../server/membership/inviting-peer.ts'
import { type Forger, type Forgery, flipped, forgeries } from '../../support/hostile/forgeries.ts'
import { type AmongPeers, keysOf, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { hostRoom, type Signed } from '../../support/peers/hosted-room.ts'
import { joinAsPeer, type PeerMember } from '../../support/peers/peer-room.ts'
import type { Answered, TestUser } from '../../support/server.ts'

const right: Forgery = { words: 'nothing is wrong', make: (pdu) => pdu, isRightIn: () => true }
const json = (pdu: Pdu) => pdu as unknown as JsonObject

/** S-02. In every way in which events of other servers come, those that are not signed or not what was hashed are refused or pruned. */
describe('events that another server forged (S-02)', () => {
  let among: AmongPeers
  let [peer, other]: Peer[] = []
  let alice: TestUser
  let forger: Omit<Forger, 'rules'>
  let people = 0
  let transactions = 0
  before(async () => {
    among = (await startServerWithPeers(2)) as AmongPeers
    ;[peer, other] = among.peers as [Peer, Peer]
    alice = await among.server.register('alice')
    const oldKey = generateSigningKey(randomBytes(32))
    const old_verify_keys = { [oldKey.keyId]: { key: encodeBase64(oldKey.publicKey), expired_ts: Date.now() - 3_600_000 } }
    const published = keysOf(peer!.serverName, peer!.signingKey, { old_verify_keys })
    peer!.on('GET', '/_matrix/key/v2/server', () => ({ body: published }))
    forger = { peer: peer!, other: other!, oldKey }
    await other!.ask(among.server, 'GET', '/_matrix/federation/v1/version')
  })
  after(() => among?.close())

  const ask = (method: string, uri: string, content?: JsonObject) => peer!.ask(among.server, method, uri, content)
  const bring = (...pdus: Pdu[]) =>
    ask('PUT', `/_matrix/federation/v1/send/${transactions++}`, { origin: peer!.serverName, origin_server_ts: 1, pdus: pdus.map(json) })
  const remote = (): UserId => `@remote${people++}:${peer!.serverName}`
  const at = (...parts: string[]) => `/_matrix/federation/${parts.map((part) => encodeURIComponent(part).replaceAll('%2F', '/')).join('/')}`

  /** How an event stands in a room as somebody in it sees it. */
  async function stands(user: TestUser, roomId: string, eventId: string): Promise<'whole' | 'pruned' | 'refused'> {
    const { status, body } = await user.get(`/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`)
    if (status !== 200) return 'refused'
    const text = JSON.stringify(body.content)
    return text.includes('canary') || text.includes('forged') ? 'whole' : 'pruned'
  }
  const check = (how: string, { words, mayBePruned, isRightIn }: Forgery, rules: RoomRules) => {
    const allowed = isRightIn?.(rules) ? ['whole'] : mayBePruned ? ['refused', 'pruned'] : ['refused']
    expect(how, words).to.be.oneOf(allowed)
  }
  const ours = async (version: string, joinRule: string): Promise<RoomId> => {
    const initial_state = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: joinRule } }]
    const { body } = await alice.post('/createRoom', { room_version: version, preset: 'public_chat', initial_state })
    return body.room_id
  }
  const each = async (door: (forgery: Forgery) => Promise<void>) => {
    for (const forgery of [right, ...forgeries]) await door(forgery)
  }

  for (const version of ['1', '4', '12']) {
    const rules = roomRules(version) as RoomRules
    const forge = (pdu: Pdu, { make }: Forgery) => make(pdu, { ...forger, rules })

    it(`are refused or pruned where a transaction brings them, or an answer about what is missing, in version ${version}`, async () => {
      const room = hostRoom(peer!, version)
      const bob = await among.server.register(`bob${people++}`)
      expect((await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer!.serverName}`)).status).to.equal(200)
      await each(async (forgery) => {
        const last = room.timeline.at(-1) as Signed
        const event = room.make({ type: 'm.room.message', content: { body: 'canary' } })
        const pdu = forge(event.pdu, forgery)
        await bring(pdu)
        check(await stands(bob, room.roomId, eventIdOf(pdu, rules)), forgery, rules)
        // Between two events that are in order: the second is brought, the first is asked for.
        const left = room.make({ type: 'm.room.message', content: { body: 'canary between' }, prev_events: [room.cite(last)] })
        const altered = forge(left.pdu, forgery)
        const id = eventIdOf(altered, rules)
        const next = room.make({
          type: 'm.room.message',
          content: { body: 'after' },
          prev_events: [room.cite({ eventId: id, pdu: altered })],
          depth: 50,
        })
        peer!.on('POST', room.path('get_missing_events'), () => ({ body: { events: [altered] } }))
        peer!.on('GET', at('v1/event', id), () => ({ body: { pdus: [altered] } }))
        await bring(next.pdu)
        check(await stands(bob, room.roomId, id), forgery, rules)
      })
    })

    // In version 4 it is but the validity of keys that counts otherwise.
    if (version === '4') continue

    it(`are refused or pruned where history holds them, in version ${version}`, async () => {
      await each(async (forgery) => {
        const room = hostRoom(peer!, version)
        const event = room.make({ type: 'm.room.message', content: { body: 'canary' } })
        const pdu = forge(event.pdu, forgery)
        room.take(pdu)
        room.message('after')
        const bob = await among.server.register(`bob${people++}`)
        expect((await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer!.serverName}`)).status).to.equal(200)
        await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=50`)
        check(await stands(bob, room.roomId, eventIdOf(pdu, rules)), forgery, rules)
      })
    })

    it(`are no state, where the state that a join is answered with holds them, in version ${version}`, async () => {
      await each(async (forgery) => {
        const room = hostRoom(peer!, version)
        const topic = room.make({ type: 'm.room.topic', state_key: '', content: { topic: 'canary' } })
        const pdu = forge(topic.pdu, forgery)
        room.take(pdu)
        const bob = await among.server.register(`bob${people++}`)
        expect((await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer!.serverName}`)).status).to.equal(200)
        const state = (await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).text
        const isWhole = state.includes('canary') || state.includes('forged')
        expect(isWhole, forgery.words).to.equal(forgery.isRightIn?.(rules) === true)
      })
    })

    it(`are no state, where a state that is asked for holds them, in version ${version}`, async () => {
      await each(async (forgery) => {
        const room = hostRoom(peer!, version)
        const bob = await among.server.register(`bob${people++}`)
        await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer!.serverName}`)
        const topic = room.make({ type: 'm.room.topic', state_key: '', content: { topic: 'canary' } })
        const pdu = forge(topic.pdu, forgery)
        room.take(pdu)
        // More lies in between than may be asked for.
        const hidden = room.message('hidden')
        peer!.on('POST', room.path('get_missing_events'), () => ({ body: { events: [] } }))
        const last = room.message('after')
        await bring(last.pdu)
        expect(await stands(bob, room.roomId, hidden.eventId), forgery.words).to.equal('refused')
        const state = (await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).text
        const isWhole = state.includes('canary') || state.includes('forged')
        expect(isWhole, forgery.words).to.equal(forgery.isRightIn?.(rules) === true)
      })
    })

    it(`are refused or pruned where they are handed in as joins, leaves and knocks, in version ${version}`, async () => {
      const rooms = new Map([['join', await ours(version, 'public')]])
      rooms.set('leave', rooms.get('join') as RoomId)
      if (rules.knock) rooms.set('knock', await ours(version, 'knock'))
      for (const [membership, roomId] of rooms) {
        for (const prefix of membership === 'knock' ? ['v1'] : ['v1', 'v2']) {
          await each(async (forgery) => {
            const userId = remote()
            if (membership === 'leave') await joinAsPeer(peer!, among.server, roomId, userId.slice(1, userId.indexOf(':')))
            const query = `?ver=${version}`
            const made = await ask('GET', at('v1', `make_${membership}`, roomId, userId) + query)
            expect(made.status, made.text).to.equal(200)
            const event = { ...made.body.event, content: { ...made.body.event.content, reason: 'canary' } }
            const pdu = forge(peer!.sign(event, rules).pdu, forgery)
            const id = eventIdOf(pdu, rules)
            const answer = await ask('PUT', at(prefix, `send_${membership}`, roomId, id), json(pdu))
            const how = await stands(alice, roomId, id)
            expect(answer.status < 300, `${membership} ${forgery.words} ${answer.text.slice(0, 200)}`).to.equal(how !== 'refused')
            if (answer.status >= 300) expect(answer.status, answer.text).to.be.oneOf([400, 403])
            check(how, forgery, rules)
          })
        }
      }
    })
  }

  for (const version of ['1', '6', '12']) {
    it(`are neither kept nor signed where they are to be invitations, in version ${version}`, async () => {
      const rules = roomRules(version) as RoomRules
      await each(async (forgery) => {
        const bob = await among.server.register(`bob${people++}`)
        const room = roomOfPeer(peer!, version)
        const invite = room.invite(bob.userId, { content: { membership: 'invite', reason: 'canary' } })
        const pdu = forgery.make(invite.pdu, { ...forger, rules })
        const answer: Answered =
          version === '1'
            ? await ask('PUT', inviteUri(room.roomId, eventIdOf(pdu, rules), 'v1'), json(pdu))
            : await room.send(among.server, { pdu, eventId: eventIdOf(pdu, rules) })
        const isRight = forgery.isRightIn?.(rules) === true
        expect(answer.status, `${forgery.words} ${answer.text}`).to.equal(isRight ? 200 : 400)
        expect(answer.text.includes(among.server.server.home.signingKey.keyId), forgery.words).to.equal(isRight)
        const { rooms } = (await bob.get('/sync')).body
        expect(Object.keys(rooms?.invite ?? {}), forgery.words).to.have.length(isRight ? 1 : 0)
      })
    })
  }

  it('are nowhere on the disk, whichever way they came', async () => {
    const { database } = among.server.config
    const file = new Sqlite(database.kind === 'postgres' ? '' : database.path, { readonly: true })
    const count = file.prepare('SELECT count(*) FROM events WHERE CAST(json AS TEXT) LIKE ?').pluck()
    expect(count.get('%"body":"canary"%')).to.be.greaterThan(3)
    expect(count.get('%"another":"forged"%')).to.equal(0)
    file.close()
  })

  for (const version of ['6', '10', '11', '12']) {
    it(`are no invitations by others, unsigned since they claim to come of a third-party invite and pruned of that claim, in version ${version}`, async () => {
      const rules = roomRules(version) as RoomRules
      const roomId = await ours(version, 'invite')
      const invited: UserId = remote()
      const room = (await among.server.server.graph.room(roomId))!
      await among.server.server.graph.members(roomId, [alice.userId])
      const cited = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules'].filter(
        (type) => type !== 'm.room.create' || !rules.roomIdIsCreateHash,
      )
      const auth_events = [...cited.map((type) => room.state(type, '')!.eventId), room.state('m.room.member', alice.userId)!.eventId]
      const claims: JsonObject[] = [{ third_party_invite: 5 }, { third_party_invite: {} }, { third_party_invite: { signed: null } }]
      claims.push({ third_party_invite: { display_name: 'x', signed: { mxid: invited, token: 'x', signatures: {} } } })
      for (const claim of claims) {
        const content = { membership: 'invite', ...claim }
        const of = { type: 'm.room.member', room_id: roomId, sender: alice.userId, state_key: invited, content, auth_events, depth: 9 }
        const event = { ...of, prev_events: [...room.extremities], origin_server_ts: Date.now() }
        const { pdu: signed } = peer!.sign(event, rules)
        for (const hashes of [signed.hashes, { sha256: flipped(signed.hashes.sha256) }]) {
          const pdu = { ...signed, hashes, signatures: {} }
          await bring(pdu, { ...pdu, signatures: signed.signatures })
          expect(await stands(alice, roomId, eventIdOf(pdu, rules)), JSON.stringify(claim)).to.equal('refused')
        }
      }
      expect((await alice.get(`/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${invited}`)).status).to.equal(404)
      const made = await ask('GET', `${at('v1', 'make_join', roomId, invited)}?ver=${version}`)
      expect(made.status).to.equal(403)
    })
  }

  for (const version of ['6', '12']) {
    it(`do not take the place of those of a third server that come later as they were, in version ${version}`, async () => {
      const rules = roomRules(version) as RoomRules
      const roomId = await ours(version, 'public')
      await joinAsPeer(peer!, among.server, roomId, 'mallory')
      const victim = await joinAsPeer(other!, among.server, roomId, 'victim')
      const joined = { type: 'm.room.member', state_key: victim.userId, content: { membership: 'join', displayname: 'canary' } }
      for (const event of [await victim.message('canary'), await victim.event(joined)]) {
        const forged = { ...event.pdu, content: { membership: 'join', forged: 1 } }
        await bring(forged)
        const content = { origin: other!.serverName, origin_server_ts: 1, pdus: [json(event.pdu)] }
        const answer = await other!.ask(among.server, 'PUT', at('v1', 'send', `${transactions++}`), content)
        expect(answer.body.pdus[event.eventId]).to.deep.equal({})
        expect(await stands(alice, roomId, eventIdOf(event.pdu, rules)), event.pdu.type).to.equal('whole')
      }
      // Asked for by what stands on it: then it is asked of its own server.
      const said = await victim.message('canary again')
      const mallory = await joinAsPeer(peer!, among.server, roomId, 'mallory2')
      const after = await mallory.message('after', [said.eventId])
      const forged = { ...said.pdu, content: { forged: 1 } }
      peer!.on('POST', at('v1', 'get_missing_events', roomId), () => ({ body: { events: [forged] } }))
      other!.on('GET', at('v1', 'event', said.eventId), () => ({ body: { pdus: [said.pdu] } }))
      await bring(after.pdu)
      expect(await stands(alice, roomId, said.eventId)).to.equal('whole')
    })
  }

  it('are no reason to invite anybody, where what an identity server signed is not what it signed', async () => {
    const identity = generateSigningKey(randomBytes(32))
    const invited = remote()
    const roomId: RoomId = (await alice.post('/createRoom', { preset: 'public_chat' })).body.room_id
    const promise = { display_name: 'b', public_key: encodeBase64(identity.publicKey) }
    await alice.put(`/rooms/${roomId}/state/m.room.third_party_invite/token`, promise)
    const signed = signJson({ mxid: invited, token: 'token' }, 'identity.test', identity)
    const given = (signatures: JsonObject) => ({ ...signed, signatures: { 'identity.test': signatures } })
    const [signature = ''] = Object.values(signed.signatures['identity.test'] as Record<string, string>)
    const exchange = (of: JsonObject) =>
      ask('PUT', at('v1', 'exchange_third_party_invite', roomId), {
        type: 'm.room.member',
        room_id: roomId,
        sender: alice.userId,
        state_key: invited,
        content: { membership: 'invite', third_party_invite: { display_name: 'b', signed: of } },
      })
    const wrong = [
      given({ [identity.keyId]: flipped(signature) }),
      given({ [`rsa:${identity.keyId.slice(8)}`]: signature }),
      given({}),
      { ...signed, token: 'another' },
      { ...signed, more: 'x' },
      signJson({ mxid: invited, token: 'token' }, 'identity.test', peer!.signingKey),
    ]
    for (const of of wrong) expect((await exchange(of)).status, JSON.stringify(of)).to.be.oneOf([400, 403])
    expect((await alice.get(`/rooms/${roomId}/state/m.room.member/${invited}`)).status).to.equal(404)
    peer!.on('PUT', '/_matrix/federation/v2/invite/{roomId}/{eventId}', ({ content }) => ({
      body: { event: signPdu(content.event, roomRules('12') as RoomRules, peer!.serverName, peer!.signingKey) },
    }))
    expect((await exchange(signed)).status).to.equal(200)
  })

  describe('as a join that somebody vouches for', () => {
    for (const version of ['8', '10', '12']) {
      it(`is refused without the signature of the vouching user’s server, in version ${version}`, async () => {
        const rules = roomRules(version) as RoomRules
        const allowing: RoomId = (await alice.post('/createRoom', { preset: 'public_chat', room_version: version })).body.room_id
        const allow = [{ type: 'm.room_membership', room_id: allowing }]
        const content = { join_rule: 'restricted', allow }
        const initial_state = [{ type: 'm.room.join_rules', state_key: '', content }]
        const roomId: RoomId = (await alice.post('/createRoom', { room_version: version, initial_state })).body.room_id
        const member: PeerMember = await joinAsPeer(peer!, among.server, allowing, 'restricted')
        const made = await ask('GET', `${at('v1', 'make_join', roomId, member.userId)}?ver=${version}`)
        expect(made.body.event.content.join_authorised_via_users_server).to.equal(alice.userId)
        const { pdu } = peer!.sign(made.body.event, rules)
        const us = among.server.server.home.serverName
        const named = (authoriser: string) =>
          peer!.sign({ ...made.body.event, content: { membership: 'join', join_authorised_via_users_server: authoriser } }, rules).pdu
        const wrong: Record<string, Pdu> = {
          'our signature is missing': pdu,
          'our signature is somebody else’s': { ...pdu, signatures: { ...pdu.signatures, [us]: pdu.signatures[peer!.serverName] ?? {} } },
          'our signature has our key’s name': {
            ...pdu,
            signatures: {
              ...pdu.signatures,
              [us]: { [among.server.server.home.signingKey.keyId]: Object.values(pdu.signatures[peer!.serverName] ?? {})[0] ?? '' },
            },
          },
          'somebody of their own vouches': named(member.userId),
          'somebody of a third server vouches': named(`@x:${other!.serverName}`),
          'nobody vouches': peer!.sign({ ...made.body.event, content: { membership: 'join' } }, rules).pdu,
          'who vouches is no user': named('@'),
        }
        for (const [words, event] of Object.entries(wrong)) {
          await bring(event)
          expect(await stands(alice, roomId, eventIdOf(event, rules)), words).to.equal('refused')
        }
        const unsigned = named(`@x:${other!.serverName}`)
        const refused = await ask('PUT', at('v2', 'send_join', roomId, eventIdOf(unsigned, rules)), json(unsigned))
        expect([refused.status, refused.body.errcode]).to.deep.equal([403, 'M_FORBIDDEN'])
        const { status } = await ask('PUT', at('v2', 'send_join', roomId, eventIdOf(pdu, rules)), json(pdu))
        expect(status).to.equal(200)
      })
    }
  })
})
