import { canonicalJson } from '../core/canonical-json.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import type { Pdu } from '../core/pdu.ts'
import type { Graph, MembershipName, StateEvent, TimelineEvent } from './graph.ts'
import { outsideStateText } from './outside/outside.ts'
import { strippedOf, strippedText, strippedTypes } from './outside/stripped-state.ts'

/** An event and the reader's membership when it was sent; none for a reader who is no user. */
export type Shown = { readonly event: TimelineEvent; readonly membership: MembershipName | undefined }

/** For whom an event is written, and when. */
export type Reader = {
  /** The requester's session: its own transaction ids are told to it. */
  readonly session: string
  /** The requester, who is told the ids of their own delayed events; undefined for a reader who is no user. */
  readonly userId: UserId | undefined
  /** Milliseconds since the epoch, for `age`. */
  readonly now: number
  /** Bundled aggregations as JSON text, for the events that have some (`Graph.bundles`). */
  readonly bundles?: ReadonlyMap<EventId, string>
}

const texts = new WeakMap<Pdu, string>()

/** An event in the client-server format, as JSON text. https://spec.matrix.org/v1.19/client-server-api/#room-event-format */
export function clientEventText({ event, membership }: Shown, reader: Reader, withRoomId = true): string {
  const roomId = withRoomId ? `,"room_id":${JSON.stringify(event.roomId)}` : ''
  return `{${ownText(event.pdu, event.eventId)}${roomId},"unsigned":${unsignedText(event, membership, reader)}}`
}

/** A state event in the client-server format, as JSON text; with its `age` alone in `unsigned`. */
export function stateEventText({ pdu, eventId }: StateEvent, roomId: string | undefined, now: number): string {
  const room = roomId === undefined ? '' : `,"room_id":${JSON.stringify(roomId)}`
  return `{${ownText(pdu, eventId)}${room},"unsigned":{"age":${now - pdu.origin_server_ts}}}`
}

/**
 * What somebody who is invited to a room, or knocks on it, is told of it, as a JSON list: its stripped state, their own membership and whoever
 * invited them. https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export async function strippedStateText(
  graph: Pick<Graph, 'room' | 'members' | 'outside'>,
  roomId: RoomId,
  userId: UserId,
): Promise<string> {
  const outside = await graph.outside.find(userId, roomId)
  if (outside !== undefined) return outsideStateText(outside)
  const room = await graph.room(roomId)
  if (room === undefined) return '[]'
  const events: StateEvent[] = []
  for (const type of strippedTypes) {
    const event = room.state(type, '')
    if (event !== undefined) events.push(event)
  }
  const own = (await graph.members(roomId, [userId])).get(userId)
  if (own !== undefined) {
    const inviter = own.pdu.sender === userId ? undefined : (await graph.members(roomId, [own.pdu.sender])).get(own.pdu.sender)
    if (inviter !== undefined) events.push(inviter)
    events.push(own)
  }
  return `[${events.map(({ pdu }) => strippedText(strippedOf(pdu))).join(',')}]`
}

/** What is the same for every reader; kept with the event while it is in memory. */
function ownText(pdu: Pdu, eventId: string): string {
  const known = texts.get(pdu)
  if (known !== undefined) return known
  const stateKey = pdu.state_key === undefined ? '' : `,"state_key":${JSON.stringify(pdu.state_key)}`
  const redacts = pdu.type === 'm.room.redaction' ? (pdu.redacts ?? pdu.content['redacts']) : undefined
  const text =
    `"content":${canonicalJson(contentOf(pdu, redacts), false)},"event_id":${JSON.stringify(eventId)},"origin_server_ts":${pdu.origin_server_ts}` +
    `,"sender":${JSON.stringify(pdu.sender)},"type":${JSON.stringify(pdu.type)}${stateKey}` +
    (typeof redacts === 'string' ? `,"redacts":${JSON.stringify(redacts)}` : '')
  texts.set(pdu, text)
  return text
}

/** "For improved compatibility … servers SHOULD add a redacts key to the content" for old rooms, and beside it for new ones. */
function contentOf(pdu: Pdu, redacts: unknown): JsonObject {
  return typeof redacts === 'string' && pdu.content['redacts'] === undefined ? { ...pdu.content, redacts } : pdu.content
}

function unsignedText(event: TimelineEvent, membership: string | undefined, reader: Reader): string {
  let text = `{"age":${reader.now - event.pdu.origin_server_ts}`
  if (membership !== undefined) text += `,"membership":"${membership}"`
  if (event.sentBy !== undefined && event.sentBy.session === reader.session) {
    text += `,"transaction_id":${JSON.stringify(event.sentBy.transactionId)}`
  }
  if (event.delayId !== undefined && event.pdu.sender === reader.userId) {
    text += `,"org.matrix.msc4140.delay_id":${JSON.stringify(event.delayId)}`
  }
  if (event.replaces !== undefined) text += `,"replaces_state":${JSON.stringify(event.replaces)}`
  if (isJsonObject(event.replacedContent)) text += `,"prev_content":${canonicalJson(event.replacedContent, false)}`
  // matrix-js-sdk tells by this who began a direct chat.
  if (event.replacedSender !== undefined) text += `,"prev_sender":${JSON.stringify(event.replacedSender)}`
  if (event.redactedBecause !== undefined && event.redactedBy !== undefined) {
    const room = `,"room_id":${JSON.stringify(event.roomId)}`
    text += `,"redacted_because":{${ownText(event.redactedBecause, event.redactedBy)}${room},"unsigned":{}}`
  }
  const bundle = reader.bundles?.get(event.eventId)
  return bundle === undefined ? `${text}}` : `${text},"m.relations":${bundle}}`
}
