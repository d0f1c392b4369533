import { expect } from 'chai'
import type { RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { type Case, cases, citing, levelsOf, member, message, type Scene, topic } from '../../support/hostile/rule-cases.ts'
import { type AmongPeers, type Peer, startServerWithPeers } from '../../support/peer.ts'
import { hostRoom } from '../../support/peers/hosted-room.ts'
import { joinAsPeer } from '../../support/peers/peer-room.ts'
import type { Body, TestUser } from '../../support/server.ts'

/** S-01, by hand: what other servers bring is judged by the rules of its room's version, whatever it cites. */
describe('events that the rules of a room allow or refuse (S-01)', () => {
  let among: AmongPeers
  let peer: Peer
  let alice: TestUser
  let [transactions, people] = [0, 0]
  before(async () => {
    among = (await startServerWithPeers(1)) as AmongPeers
    peer = among.peers[0] as Peer
    peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', () => ({ body: { pdus: {} } }))
    alice = await among.server.register('alice')
  })
  after(() => among?.close())

  const view = async (roomId: RoomId) => (await among.server.server.graph.room(roomId))!
  async function makeRoom(version: string, levels: JsonObject = {}, join_rule = 'public'): Promise<RoomId> {
    const users = { ...(version === '12' ? {} : { [alice.userId]: 100 }), ...(levels['users'] as JsonObject | undefined) }
    const made = await alice.post('/createRoom', {
      preset: 'public_chat',
      room_version: version,
      power_level_content_override: { ...levels, users },
    })
    if (join_rule !== 'public') await alice.put(`/rooms/${made.body.room_id}/state/m.room.join_rules/`, { join_rule })
    return made.body.room_id
  }
  async function open(version: string, { levels, joinRule }: Case): Promise<Scene> {
    const name = `remote${people++}`
    const userId: UserId = `@${name}:${peer.serverName}`
    const roomId = await makeRoom(version, levels?.(userId))
    const remote = await joinAsPeer(peer, among.server, roomId, name)
    if (joinRule !== undefined) await alice.put(`/rooms/${roomId}/state/m.room.join_rules/`, { join_rule: joinRule })
    await among.server.server.graph.members(roomId, [alice.userId, userId])
    const room = await view(roomId)
    const id: Scene['id'] = (type, stateKey = '') => room.state(type, stateKey)!.eventId
    return { version, roomId, member: remote, alice, id, elsewhere: await another(version) }
  }
  const others = new Map<string, Scene['elsewhere']>()
  /** Another room, in which somebody of the peer is too. */
  async function another(version: string): Promise<Scene['elsewhere']> {
    const known = others.get(version)
    if (known !== undefined) return known
    const roomId = await makeRoom(version)
    const { joinId } = await joinAsPeer(peer, among.server, roomId, 'elsewhere')
    const { event_id: said } = (await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'x' })).body
    const room = await view(roomId)
    const id = (type: string) => room.state(type, '')!.eventId
    const elsewhere = { create: id('m.room.create'), levels: id('m.room.power_levels'), join: joinId, message: said }
    others.set(version, elsewhere)
    return elsewhere
  }
  const send = async (...pdus: unknown[]): Promise<Body> => {
    const content = { origin: peer.serverName, origin_server_ts: 1, pdus: pdus as JsonObject[] }
    const { status, body, text } = await peer.ask(among.server, 'PUT', `/_matrix/federation/v1/send/${transactions++}`, content)
    expect(status, text).to.equal(200)
    return body.pdus
  }

  for (const version of ['1', '3', '6', '9', '10', '11', '12']) {
    it(`are taken or not, in version ${version}`, async () => {
      for (const one of cases) {
        if (one.joinRule === 'knock' && Number(version) < 7) continue
        const scene = await open(version, one)
        const { pdu, eventId } = await scene.member.event(one.wish(scene))
        const heads = (await view(scene.roomId)).extremities
        await send(pdu)
        const { status } = await alice.get(`/rooms/${scene.roomId}/event/${encodeURIComponent(eventId)}`)
        const isTaken = typeof one.isTaken === 'boolean' ? one.isTaken : one.isTaken(version)
        expect(status === 200, `${one.words} in version ${version}`).to.equal(isTaken)
        const room = await view(scene.roomId)
        expect(room.extremities, one.words).to.deep.equal(isTaken ? [eventId] : heads)
        expect(room.state('m.room.create', '')?.pdu.sender, one.words).to.equal(alice.userId)
        expect(room.membership(alice.userId), one.words).to.equal('join')
        expect((await alice.put(`/rooms/${scene.roomId}/send/m.room.message/after`, { body: 'after' })).status, one.words).to.equal(200)
      }
    })

    it(`are judged without power levels where there are none, in version ${version}`, async () => {
      const bob = await among.server.register(`bob${people++}`)
      const bare = hostRoom(peer, version, { join_rule: 'public' }, {}, 'm.room.power_levels')
      await bob.post(`/join/${encodeURIComponent(bare.roomId)}?via=${peer.serverName}`)
      const guest: UserId = `@guest:${peer.serverName}`
      const joined = bare.add({ type: 'm.room.member', sender: guest, state_key: guest, content: { membership: 'join' } })
      const theirs = bare.make({ ...topic, sender: guest })
      await send(joined.pdu, theirs.pdu)
      expect((await bob.get(`/rooms/${encodeURIComponent(bare.roomId)}/event/${encodeURIComponent(theirs.eventId)}`)).status).to.equal(404)
      const own = bare.add(topic)
      expect((await send(own.pdu))[own.eventId]).to.deep.equal({})
      expect((await bob.get(`/rooms/${encodeURIComponent(bare.roomId)}/state/m.room.topic/`)).body).to.deep.equal({ topic: 'canary' })
    })
  }

  it('do not begin a room a second time, though it is named after their server', async () => {
    for (const version of ['6', '11']) {
      const bob = await among.server.register(`bob${people++}`)
      const room = hostRoom(peer, version, { join_rule: 'invite' })
      room.add({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'invite' } })
      const joined = await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
      expect(joined.status, joined.text).to.equal(200)
      const before = (await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).body.map(({ event_id }: Body) => event_id)
      const content = { room_version: version, creator: `@mallory:${peer.serverName}` }
      const sender: UserId = `@mallory:${peer.serverName}`
      const create = { type: 'm.room.create', state_key: '', sender, content, auth_events: [] }
      const alone = room.make({ ...create, prev_events: [], depth: 1 })
      const deep = room.make({ ...create, prev_events: [], depth: 1000 })
      const join = room.make({
        type: 'm.room.member',
        sender,
        state_key: sender,
        content: { membership: 'join' },
        auth_events: [alone.eventId],
        prev_events: [alone.eventId],
        depth: 1001,
      })
      const levels = room.make({
        type: 'm.room.power_levels',
        sender,
        state_key: '',
        content: { users: { [sender]: 100 } },
        auth_events: [alone.eventId, join.eventId],
        prev_events: [join.eventId],
        depth: 1002,
      })
      await send(alone.pdu, deep.pdu, join.pdu, levels.pdu)
      // The same as the state before an event of the host that nobody has.
      const hidden = room.make({ type: 'm.room.message', content: { body: 'hidden' } })
      const next = room.make({ type: 'm.room.message', content: { body: 'next' }, prev_events: [hidden.eventId], depth: 2000 })
      const given = [
        ...room.state().filter(({ pdu }) => pdu.type !== 'm.room.create' && pdu.type !== 'm.room.power_levels'),
        alone,
        join,
        levels,
      ]
      const ids = given.map(({ eventId }) => eventId)
      peer.on('GET', room.path('state_ids'), () => ({ body: { pdu_ids: ids, auth_chain_ids: [] } }))
      peer.on('GET', room.path('state'), () => ({ body: { pdus: given.map(({ pdu }) => pdu), auth_chain: [] } }))
      peer.on('POST', room.path('get_missing_events'), () => ({ body: { events: [] } }))
      for (const { eventId, pdu } of [...given, hidden]) {
        peer.on('GET', `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`, () => ({ body: { pdus: [pdu] } }))
      }
      await send(next.pdu)
      const after = (await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/state`)).body.map(({ event_id }: Body) => event_id)
      expect(after, version).to.have.members(before)
      const message = room.message('after')
      await send(message.pdu)
      expect((await bob.get(`/rooms/${encodeURIComponent(room.roomId)}/event/${encodeURIComponent(message.eventId)}`)).status).to.equal(200)
    }
  })

  it('do not bring a room back to before its members lost their power', async () => {
    const scene = await open('11', { words: '', wish: () => message, isTaken: true, levels: (userId) => ({ users: { [userId]: 50 } }) })
    const { roomId, member: remote } = scene
    const cited = citing(scene)
    const base = [...(await view(roomId)).extremities]
    await alice.put(`/rooms/${roomId}/state/m.room.power_levels/`, { users: { [alice.userId]: 100 } })
    await alice.post(`/rooms/${roomId}/ban`, { user_id: remote.userId })
    for (const wish of [topic, message, member(remote.userId, 'join'), levelsOf({ users: { [alice.userId]: 100, [remote.userId]: 50 } })]) {
      const joins = wish.type === 'm.room.member' ? [scene.id('m.room.join_rules')] : []
      const { pdu, eventId } = await remote.event({
        ...wish,
        ...cited,
        auth_events: [...cited.auth_events, ...joins],
        prev_events: base,
        depth: 8,
      })
      await send(pdu)
      expect((await alice.get(`/rooms/${roomId}/event/${encodeURIComponent(eventId)}`)).status, wish.type).to.equal(404)
    }
    const room = await view(roomId)
    expect([room.membership(remote.userId), room.state('m.room.topic', '')]).to.deep.equal(['ban', undefined])
    expect(room.state('m.room.power_levels', '')?.pdu.content['users']).to.deep.equal({ [alice.userId]: 100 })
  })

  it('are none of users elsewhere where a room does not federate', async () => {
    const made = await alice.post('/createRoom', { preset: 'public_chat', room_version: '11', creation_content: { 'm.federate': false } })
    const refused = await joinAsPeer(peer, among.server, made.body.room_id, 'outsider').catch((error: Error) => error.message)
    expect(refused).to.match(/make_join: 403/)
  })

  it('are none of a room that is named after something else than its beginning', async () => {
    const bob = await among.server.register(`bob${people++}`)
    for (const [version, claimed] of [
      ['12', '11'],
      ['11', '12'],
    ] as const) {
      const room = hostRoom(peer, version)
      const path = `${room.path('make_join')}/{userId}`
      peer.on('GET', path, () => ({
        body: { room_version: claimed, event: { auth_events: [], prev_events: [], depth: 5, content: { membership: 'join' } } },
      }))
      const answer = await bob.post(`/join/${encodeURIComponent(room.roomId)}?via=${peer.serverName}`)
      expect(answer.status, `${version} as ${claimed}`).to.be.oneOf([403, 502])
    }
    expect((await bob.get('/joined_rooms')).body.joined_rooms).to.deep.equal([])
  })
})
