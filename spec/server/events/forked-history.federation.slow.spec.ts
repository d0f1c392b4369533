import { expect } from 'chai'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { type Pdu, prevEventIdsOf, type UnsignedPdu } from '../../../server/core/pdu.ts'
import { roomRules } from '../../../server/core/room-versions.ts'
import type { Peer } from '../../support/peer.ts'
import { code, forEachScene, idsOf, isWhole } from '../../support/peers/asked-by-peers.ts'
import { setMembership } from '../../support/peers/joined-peer.ts'

const rules = roomRules('12')!

forEachScene('history with forks that another server asks for', (scene) => {
  let roomId: RoomId
  let bob: UserId
  beforeEach(async () => {
    roomId = await scene.makeRoom()
    bob = await setMembership(scene.server, scene.near, roomId, 'join')
  })

  /** What a user of the near server says after some events, citing what stands now unless told otherwise. */
  async function tell(of: Partial<UnsignedPdu> & { type: string }, ...after: EventId[]) {
    const room = (await scene.server.server.graph.room(roomId))!
    const sender = of.sender ?? bob
    const own = (await scene.server.server.graph.members(roomId, [sender])).get(sender)
    const event: UnsignedPdu = {
      room_id: roomId,
      sender,
      content: { body: 'canary' },
      auth_events: [room.state('m.room.power_levels', '')!.eventId, own!.eventId],
      prev_events: after,
      depth: 20,
      origin_server_ts: Date.now(),
      ...of,
    }
    const { pdu, eventId } = scene.near.sign(event, rules)
    const results = await scene.server.server.graph.receive(scene.near.serverName, roomId, [pdu as unknown as JsonObject])
    return { eventId, pdu, received: results.get(eventId) }
  }
  const message = { type: 'm.room.message' }
  const get = (peer: Peer, path: string) => peer.ask(scene.server, 'GET', `/_matrix/federation/v1/${path}`)
  const eventFor = (peer: Peer, eventId: EventId) => get(peer, `event/${encodeURIComponent(eventId)}`)
  const before = async (eventId: EventId, limit = 100) =>
    idsOf((await get(scene.near, `backfill/${roomId}?limit=${limit}&v=${encodeURIComponent(eventId)}`)).body.pdus)
  const stateOf = async (eventId: EventId): Promise<Pdu[]> =>
    (await get(scene.near, `state/${roomId}?event_id=${encodeURIComponent(eventId)}`)).body.pdus
  const missing = async (content: JsonObject) =>
    (await scene.near.ask(scene.server, 'POST', `/_matrix/federation/v1/get_missing_events/${roomId}`, content)).body.events as Pdu[]

  it('holds both branches, each event once, and those it builds on before it', async () => {
    const base = await scene.say(roomId, 'base')
    const left = [await scene.say(roomId, 'left 1'), await scene.say(roomId, 'left 2')]
    const right = await tell(message, base)
    expect(right.received).to.equal('accepted')
    const merge = await scene.say(roomId, 'merge')
    const page = await before(merge, 5)
    expect(page).to.have.members([merge, ...left, right.eventId, base])
    expect([page[0], page.indexOf(left[1]!) < page.indexOf(left[0]!)]).to.deep.equal([merge, true])
    const all = await before(merge)
    expect(new Set(all).size).to.equal(all.length)
    const between = await missing({ earliest_events: [base], latest_events: [merge], limit: 10 })
    const ids = idsOf(between)
    expect(ids).to.have.members([...left, right.eventId])
    for (const pdu of between) {
      const at = between.indexOf(pdu)
      for (const prev of prevEventIdsOf(pdu)) if (ids.includes(prev)) expect(ids.indexOf(prev)).to.be.lessThan(at)
    }
  })

  it('has at each event the state of its own branch, and after the branches met that of both', async () => {
    await scene.set(roomId, 'm.room.power_levels', { users: { [bob]: 50 } })
    const first = await scene.set(roomId, 'm.room.topic', { topic: 'first' })
    const base = await scene.say(roomId, 'base')
    const second = await scene.set(roomId, 'm.room.topic', { topic: 'second' })
    const name = await tell({ type: 'm.room.name', state_key: '', content: { name: 'of the other branch' } }, base)
    expect(name.received).to.equal('accepted')
    const renamed = await tell({ type: 'm.room.name', state_key: '', content: { name: 'again' } }, name.eventId)
    const merge = await scene.set(roomId, 'm.room.topic', { topic: 'third' })
    const at = async (eventId: EventId) => {
      const ids = idsOf(await stateOf(eventId))
      return [first, second, merge, name.eventId, renamed.eventId].filter((one) => ids.includes(one))
    }
    expect(await at(name.eventId)).to.deep.equal([first])
    expect(await at(renamed.eventId)).to.deep.equal([first, name.eventId])
    expect(await at(second)).to.deep.equal([first])
    expect(await at(merge)).to.deep.equal([second, renamed.eventId])
  })

  it('leaves out what was rejected, and goes on behind it', async () => {
    const base = await scene.say(roomId, 'base')
    const refused = await tell({ type: 'm.room.topic', state_key: '', content: { topic: 'canary' } }, base)
    expect(refused.received).to.have.keys('rejected')
    const after = await tell(message, refused.eventId)
    expect(after.received).to.equal('accepted')
    expect((await before(after.eventId)).slice(0, 2)).to.deep.equal([after.eventId, base])
    expect((await before(refused.eventId))[0]).to.equal(base)
    const between = await missing({ earliest_events: [], latest_events: [after.eventId], limit: 1 })
    expect(idsOf(between)).to.deep.equal([base])
    const shown = await eventFor(scene.near, refused.eventId)
    expect(shown.text).to.not.include('canary')
    expect(idsOf(shown.body.pdus)).to.deep.equal([refused.eventId])
    expect((await eventFor(scene.far, refused.eventId)).status).to.equal(404)
    for (const path of [`state/${roomId}?event_id=`, `state_ids/${roomId}?event_id=`, `event_auth/${roomId}/`]) {
      expect(code(await get(scene.near, path + encodeURIComponent(refused.eventId))), path).to.deep.equal([404, 'M_NOT_FOUND'])
    }
    expect((await stateOf(after.eventId)).some(({ type }) => type === 'm.room.topic')).to.equal(false)
  })

  it('goes on behind a long run of what was rejected', async () => {
    const base = await scene.say(roomId, 'base')
    let last = base
    for (let n = 0; n < 60; n++) {
      const refused = await tell({ type: 'm.room.topic', state_key: '', content: { topic: `${n}` }, depth: 20 + n }, last)
      expect(refused.received).to.have.keys('rejected')
      last = refused.eventId
    }
    const after = await tell({ ...message, depth: 200 }, last)
    expect(await before(after.eventId, 2)).to.deep.equal([after.eventId, base])
    expect(idsOf(await missing({ earliest_events: [], latest_events: [after.eventId], limit: 1 }))).to.deep.equal([base])
  })

  it('holds what was soft-failed only where it is asked for by what builds on it', async () => {
    const carol = await setMembership(scene.server, scene.near, roomId, 'join', 'carol')
    const base = await scene.say(roomId, 'base')
    await scene.alice.post(`/rooms/${roomId}/ban`, { user_id: carol })
    const ban = await scene.standing(roomId, 'm.room.member', carol)
    const joined = (await stateOf(ban)).find(({ state_key }) => state_key === carol)!
    const levels = await scene.standing(roomId, 'm.room.power_levels')
    const evading = await tell({ ...message, sender: carol, auth_events: [levels, idsOf([joined])[0]!] }, base)
    expect(evading.received).to.equal('soft-failed')
    const head = await scene.say(roomId, 'after')
    expect(await before(head)).to.not.include(evading.eventId)
    expect(idsOf(await missing({ earliest_events: [], latest_events: [head], limit: 20 }))).to.not.include(evading.eventId)
    expect(isWhole((await eventFor(scene.near, evading.eventId)).body.pdus[0])).to.equal(true)
    expect((await eventFor(scene.far, evading.eventId)).status).to.equal(404)
    const meeting = await tell(message, head, evading.eventId)
    expect(meeting.received).to.equal('accepted')
    expect(await before(meeting.eventId)).to.include(evading.eventId)
    expect(idsOf(await missing({ earliest_events: [base], latest_events: [meeting.eventId], limit: 20 }))).to.include(evading.eventId)
    const moment = await get(scene.near, `timestamp_to_event/${roomId}?ts=${evading.pdu.origin_server_ts}&dir=f`)
    expect(moment.body.event_id).to.not.equal(evading.eventId)
  })

  it('has no place for events that are here only since others cite them', async () => {
    const base = await scene.say(roomId, 'base')
    const [levels, joined] = [await scene.standing(roomId, 'm.room.power_levels'), await scene.standing(roomId, 'm.room.member', bob)]
    const rulesNow = await scene.standing(roomId, 'm.room.join_rules')
    const profile: UnsignedPdu = {
      room_id: roomId,
      sender: bob,
      type: 'm.room.member',
      state_key: bob,
      content: { membership: 'join', displayname: 'Bob for a moment' },
      auth_events: [levels, joined, rulesNow],
      prev_events: [base],
      depth: 20,
      origin_server_ts: Date.now(),
    }
    const cited = scene.near.sign(profile, rules)
    const chain = [cited.pdu, ...(await get(scene.near, `event_auth/${roomId}/${encodeURIComponent(joined)}`)).body.auth_chain]
    scene.near.on('GET', '/_matrix/federation/v1/event_auth/{roomId}/{eventId}', () => ({ body: { auth_chain: chain } }))
    const citing = await tell({ ...message, auth_events: [levels, cited.eventId] }, base)
    expect(citing.received).to.equal('accepted')
    expect((await eventFor(scene.near, cited.eventId)).text).to.include('Bob for a moment')
    expect((await eventFor(scene.far, cited.eventId)).status).to.equal(404)
    const state = await get(scene.near, `state/${roomId}?event_id=${encodeURIComponent(cited.eventId)}`)
    expect(code(state)).to.deep.equal([404, 'M_NOT_FOUND'])
    expect(await before(cited.eventId)).to.deep.equal([])
    const auth = (await get(scene.near, `event_auth/${roomId}/${encodeURIComponent(citing.eventId)}`)).body.auth_chain
    expect(idsOf(auth)).to.include(cited.eventId)
  })
})
