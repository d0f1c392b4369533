import { selectAuthEvents } from '../../../server/core/event-auth/select-auth-events.ts'
import { eventIdOf, referenceOf } from '../../../server/core/hashes.ts'
import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { authEventIdsOf, type Pdu, prevEventIdsOf, type Reference, type UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import type { Asked, Peer, PeerReply } from '../peer.ts'

export type Signed = { readonly pdu: Pdu; readonly eventId: EventId }
type Wish = Partial<UnsignedPdu> & { readonly type: string }

/** A room that a peer made, and tells others of as a server that is in it does. What it answers may be told anew with `peer.on`. */
export type HostedRoom = {
  readonly roomId: RoomId
  readonly rules: RoomRules
  readonly host: UserId
  /** An event of the host on top of what there is, signed; it takes its place only with `add`. */
  readonly make: (of: Wish, by?: Peer) => Signed
  readonly add: (of: Wish, by?: Peer) => Signed
  /** How an event is cited. */
  readonly cite: (signed: Signed) => Reference
  /** Gives a place to an event that somebody else made. */
  readonly take: (pdu: Pdu) => Signed
  readonly message: (body: string) => Signed
  readonly state: () => readonly Signed[]
  /** Of everything that has a place, oldest first. */
  readonly timeline: readonly Signed[]
  /** A path of the federation API for this room. */
  readonly path: (what: string) => string
  /** What a join is answered with. */
  readonly entry: (join: Pdu) => JsonObject
}

let rooms = 0
const nothing: PeerReply = { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'no such event' } }
const hosted = new WeakMap<Peer, HostedRoom[]>()
const keyOf = ({ type, state_key }: Pdu) => `${type}\0${state_key}`

/** Makes a room on a peer, with its host in it, and answers for it. `created` stands in the create event beside what must; state of the type `without` it does without. */
export function hostRoom(
  peer: Peer,
  version = '12',
  joinRules: JsonObject = { join_rule: 'public' },
  created: JsonObject = {},
  without = '',
): HostedRoom {
  const rules = roomRules(version) as RoomRules
  const host: UserId = `@host:${peer.serverName}`
  const state = new Map<string, Signed>()
  const before = new Map<EventId, readonly Signed[]>()
  const timeline: Signed[] = []
  let roomId = takeRoomId(peer)

  const cite: HostedRoom['cite'] = ({ eventId, pdu }) => referenceOf(eventId, pdu, rules)
  const make: HostedRoom['make'] = (of, by = peer) => {
    const last = timeline.at(-1)
    const isOpening = last === undefined && rules.roomIdIsCreateHash
    const event = {
      ...(isOpening ? {} : { room_id: roomId }),
      sender: host,
      content: {},
      prev_events: last === undefined ? [] : [cite(last)],
      depth: timeline.length + 1,
      origin_server_ts: Date.now(),
      ...of,
    }
    const authEvents = selectAuthEvents(event as Pdu, rules).flatMap(([type, key]) => state.get(`${type}\0${key}`) ?? [])
    return by.sign({ auth_events: authEvents.map(cite), ...event }, rules)
  }
  const place = (signed: Signed) => {
    before.set(signed.eventId, [...state.values()])
    timeline.push(signed)
    if (signed.pdu.state_key !== undefined) state.set(keyOf(signed.pdu), signed)
    return signed
  }
  const add: HostedRoom['add'] = (of, by) => place(make(of, by))

  const content = { room_version: version, number: rooms++, ...(rules.creatorInContent ? { creator: host } : {}), ...created }
  const create = add({ type: 'm.room.create', state_key: '', content })
  if (rules.roomIdIsCreateHash) roomId = `!${create.eventId.slice(1)}`
  for (const event of firstEvents(host, rules, joinRules)) if (event.type !== without) add(event)

  const room: HostedRoom = {
    get roomId() {
      return roomId
    },
    rules,
    host,
    ...{ make, add, cite },
    take: (pdu) => place({ pdu, eventId: eventIdOf(pdu, rules) }),
    message: (body) => add({ type: 'm.room.message', content: { msgtype: 'm.text', body } }),
    state: () => [...state.values()],
    timeline,
    path: (what) => `/_matrix/federation/v1/${what}/${encodeURIComponent(roomId)}`,
    entry: (join) => entryOf(peer, join, before.get(eventIdOf(join, rules)) ?? [...state.values()], timeline, rules),
  }
  answerFor(peer, room, (eventId) => before.get(eventId))
  return room
}

/** The id that the next room will have, in versions in which a server names it. */
export function nextRoomId(peer: Peer): RoomId {
  return `!hosted${rooms}:${peer.serverName}`
}

function takeRoomId(peer: Peer): RoomId {
  rooms++
  return `!hosted${rooms - 1}:${peer.serverName}`
}

function firstEvents(host: UserId, rules: RoomRules, joinRules: JsonObject): Wish[] {
  return [
    { type: 'm.room.member', state_key: host, content: { membership: 'join' } },
    { type: 'm.room.power_levels', state_key: '', content: { users: rules.roomIdIsCreateHash ? {} : { [host]: 100 } } },
    { type: 'm.room.join_rules', state_key: '', content: joinRules },
  ]
}

function entryOf(
  { serverName }: Peer,
  join: Pdu,
  state: readonly Signed[],
  timeline: readonly Signed[],
  { roomIdIsCreateHash }: RoomRules,
): JsonObject {
  const ids = new Set([join, ...state.map(({ pdu }) => pdu)].flatMap((pdu) => authEventIdsOf(pdu)))
  const isCited = ({ eventId, pdu }: Signed) => ids.has(eventId) || (roomIdIsCreateHash && pdu.type === 'm.room.create')
  // What an event cites stands before it.
  for (const one of timeline.toReversed()) if (isCited(one)) for (const id of authEventIdsOf(one.pdu)) ids.add(id)
  const chain = timeline.filter(isCited)
  const pdusOf = (list: readonly Signed[]) => list.map(({ pdu }) => pdu as unknown as JsonObject)
  const event = join as unknown as JsonObject
  const about = { origin: serverName, members_omitted: false, servers_in_room: [serverName], event }
  return { ...about, state: pdusOf(state), auth_chain: pdusOf(chain) }
}

function answerFor(peer: Peer, room: HostedRoom, before: (eventId: EventId) => readonly Signed[] | undefined): void {
  const { rules, timeline, path } = room
  const pdus = (list: readonly Signed[]) => list.map(({ pdu }) => pdu)

  for (const membership of ['join', 'leave', 'knock']) {
    peer.on('GET', `${path(`make_${membership}`)}/{userId}`, ({ params }) => ({
      body: { room_version: rules.version, event: proposal(room, params['userId'] as UserId, membership) },
    }))
    const handIn = ({ content }: Asked): PeerReply => {
      const { pdu } = membership === 'knock' ? { pdu: content } : room.take(content)
      if (membership === 'join') return { body: room.entry(pdu) }
      return { body: membership === 'knock' ? { knock_room_state: pdus(room.state()) } : {} }
    }
    for (const prefix of ['v1', 'v2']) peer.on('PUT', `${path(`send_${membership}`).replace('v1', prefix)}/{eventId}`, handIn)
  }
  const stateAt = ({ query }: Asked) => before(query.get('event_id') as EventId)
  peer.on('GET', path('state'), (asked) => {
    const state = stateAt(asked)
    return state === undefined ? nothing : { body: { pdus: pdus(state), auth_chain: pdus(state) } }
  })
  peer.on('GET', path('state_ids'), (asked) => {
    const ids = stateAt(asked)?.map(({ eventId }) => eventId)
    return ids === undefined ? nothing : { body: { pdu_ids: ids, auth_chain_ids: ids } }
  })
  peer.on('GET', `${path('event_auth')}/{eventId}`, () => ({ body: { auth_chain: pdus(room.state()) } }))
  peer.on('GET', path('backfill'), ({ query }) => {
    const at = Math.max(...query.getAll('v').map((eventId) => timeline.findIndex((one) => one.eventId === eventId)))
    const limit = Number(query.get('limit') ?? 10)
    return {
      body: {
        origin: peer.serverName,
        origin_server_ts: 1,
        pdus: pdus(
          timeline
            .slice(0, at + 1)
            .toReversed()
            .slice(0, limit),
        ),
      },
    }
  })
  peer.on('POST', path('get_missing_events'), ({ content }) => ({ body: { events: pdus(between(room, content)) } }))
  answerForAll(peer, room)
}

/** What is asked or told of all the rooms of a peer. */
function answerForAll(peer: Peer, room: HostedRoom): void {
  const all = hosted.get(peer)
  if (all !== undefined) {
    all.push(room)
    return
  }
  const mine = [room]
  hosted.set(peer, mine)
  peer.on('GET', '/_matrix/federation/v1/event/{eventId}', ({ params }) => {
    const found = mine.flatMap(({ timeline }) => timeline).find(({ eventId }) => eventId === params['eventId'])
    return found === undefined ? nothing : { body: { origin: peer.serverName, origin_server_ts: 1, pdus: [found.pdu] } }
  })
  peer.on('PUT', '/_matrix/federation/v1/send/{txnId}', ({ content }) => {
    for (const pdu of content.pdus as Pdu[]) mine.find(({ roomId }) => roomId === pdu.room_id)?.take(pdu)
    return { body: { pdus: {} } }
  })
}

/** What stands before the latest and after the earliest of a question. */
function between({ timeline }: HostedRoom, asked: { earliest_events: EventId[]; latest_events: EventId[]; limit?: number }): Signed[] {
  const found = new Set<EventId>()
  const next = [...asked.latest_events]
  for (let id = next.shift(); id !== undefined; id = next.shift()) {
    const event = timeline.find(({ eventId }) => eventId === id)
    for (const prev of event === undefined ? [] : prevEventIdsOf(event.pdu)) {
      if (found.has(prev) || asked.earliest_events.includes(prev)) continue
      found.add(prev)
      next.push(prev)
    }
  }
  return timeline.filter(({ eventId }) => found.has(eventId)).slice(-(asked.limit ?? 10))
}

/** What a server proposes that somebody become. */
export function proposal(room: HostedRoom, userId: UserId, membership: string): JsonObject {
  const content = { membership }
  const { hashes: _h, signatures: _s, ...event } = room.make({ type: 'm.room.member', sender: userId, state_key: userId, content }).pdu
  return event as unknown as JsonObject
}
