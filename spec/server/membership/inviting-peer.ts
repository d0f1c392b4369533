import type { EventId, RoomId, UserId } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import type { Pdu, UnsignedPdu } from '../../../server/core/pdu.ts'
import { type RoomRules, roomRules } from '../../../server/core/room-versions.ts'
import type { Peer, PeerAnswered } from '../../support/peer.ts'
import type { TestServer } from '../../support/server.ts'

type Signed = { readonly pdu: Pdu; readonly eventId: EventId }

/** A room that only a peer knows. */
export type PeerRoom = {
  readonly roomId: RoomId
  readonly version: string
  readonly rules: RoomRules
  readonly inviter: UserId
  readonly create: Pdu
  readonly name: Pdu
  readonly sign: (of: Partial<UnsignedPdu>, as?: Peer) => Signed
  readonly invite: (userId: UserId, of?: Partial<UnsignedPdu>) => Signed
  /** The body of an invitation, and asking for it with whatever else is wished. */
  readonly body: (event: Pdu, more?: JsonObject) => JsonObject
  readonly send: (to: TestServer, event: Signed, more?: JsonObject) => Promise<PeerAnswered>
}

let rooms = 0

/** Makes a room on a peer, with a name. */
export function roomOfPeer(peer: Peer, version = '12'): PeerRoom {
  const rules = roomRules(version) as RoomRules
  const inviter: UserId = `@carol:${peer.serverName}`
  const legacyId: RoomId = `!room${rooms++}:${peer.serverName}`
  const base = { sender: inviter, auth_events: [], prev_events: [], depth: 1, origin_server_ts: Date.now() }
  const wire = () => (rules.eventIds === 'wire' ? { event_id: `$event${rooms++}:${peer.serverName}` as EventId } : {})
  const content = { room_version: version, number: rooms++, ...(rules.creatorInContent ? { creator: inviter } : {}) }
  const unsigned = { ...base, type: 'm.room.create', state_key: '', content, ...wire() }
  const create = peer.sign(rules.roomIdIsCreateHash ? unsigned : { ...unsigned, room_id: legacyId }, rules)
  const roomId: RoomId = rules.roomIdIsCreateHash ? `!${create.eventId.slice(1)}` : legacyId
  const sign: PeerRoom['sign'] = (of, as = peer) => as.sign({ ...base, ...wire(), room_id: roomId, ...of } as UnsignedPdu, rules)
  const name = sign({ type: 'm.room.name', state_key: '', content: { name: 'Elsewhere' }, depth: 2 }).pdu
  const body: PeerRoom['body'] = (event, more = {}) => ({
    room_version: version,
    event: event as unknown as JsonObject,
    invite_room_state: [create.pdu, name] as unknown as JsonObject[],
    ...more,
  })
  return {
    roomId,
    version,
    rules,
    inviter,
    create: create.pdu,
    name,
    sign,
    invite: (userId, of = {}) => sign({ type: 'm.room.member', state_key: userId, content: { membership: 'invite' }, depth: 3, ...of }),
    body,
    send: (to, { pdu, eventId }, more) => peer.ask(to, 'PUT', inviteUri(roomId, eventId), body(pdu, more)),
  }
}

/** Where an invitation goes. */
export function inviteUri(roomId: string, eventId: string, version = 'v2'): string {
  return `/_matrix/federation/${version}/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`
}
