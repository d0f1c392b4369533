import { canonicalJson } from './canonical-json.ts'
import {
  type EventId,
  fitsBytes,
  isEventId,
  isEventIdWithDomain,
  isRoomId,
  isUserId,
  maxIdBytes,
  type RoomId,
  type ServerName,
  type UserId,
} from './ids.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { MatrixError } from './matrix-error.ts'
import type { RoomRules } from './room-versions.ts'
import { allow, refuse, type Verdict } from './verdict.ts'

export type Signatures = { readonly [server: string]: { readonly [keyId: string]: string } }

/**
 * A persistent data unit as it is on the wire. Since room version 3 it carries no id (`eventIdOf` gives it); the create event of a room of
 * version 12 has no `room_id`. https://spec.matrix.org/v1.19/server-server-api/#pdus
 */
export type Pdu = {
  readonly type: string
  readonly room_id?: RoomId
  readonly sender: UserId
  readonly state_key?: string
  readonly content: JsonObject
  readonly auth_events: readonly Reference[]
  readonly prev_events: readonly Reference[]
  readonly depth: number | bigint
  readonly origin_server_ts: number
  readonly hashes: { readonly sha256: string }
  readonly signatures: Signatures
  readonly redacts?: EventId
  readonly event_id?: EventId
  readonly origin?: string
  readonly unsigned?: JsonObject
}

/** How an event is cited: by its id, or in versions 1 and 2 by a pair of its id and its reference hash. */
export type Reference = EventId | readonly [EventId, { readonly sha256: string }]

/** A PDU of a state event. */
export type StatePdu = Pdu & { readonly state_key: string }

/** An event that isn't hashed and signed yet. */
export type UnsignedPdu = Omit<Pdu, 'hashes' | 'signatures'>

/** Reads the state of a room at one point: the event for a type and a state key. */
export type ReadState = (type: string, stateKey: string) => Pdu | undefined

export const maxPduBytes = 65_536
export const maxAuthEvents = 10
export const maxPrevEvents = 20

/** Whether an event is a state event. */
export function isState(pdu: Pick<Pdu, 'state_key'>): boolean {
  return pdu.state_key !== undefined
}

/** The ids of the events that an event cites in `auth_events`, in the format of any room version. */
export function authEventIdsOf(pdu: Pick<Pdu, 'auth_events'>): readonly EventId[] {
  return idsOf(pdu.auth_events)
}

/**
 * The ids of the events that an event's auth chain goes on with: those it cites, and since version 12 the creation, which its room id names instead. The
 * specification does not say that it belongs to the chain; Synapse and Dendrite count it, and Dendrite enters no room whose chain is without it.
 * https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules
 */
export function authorisingIdsOf(pdu: Pdu, rules: Pick<RoomRules, 'roomIdIsCreateHash'>, roomId: string): readonly EventId[] {
  const cited = authEventIdsOf(pdu)
  return rules.roomIdIsCreateHash && pdu.type !== 'm.room.create' ? [...cited, createIdOf(roomId)] : cited
}

/** The ids of the events that an event cites in `prev_events`, in the format of any room version. */
export function prevEventIdsOf(pdu: Pick<Pdu, 'prev_events'>): readonly EventId[] {
  return idsOf(pdu.prev_events)
}

/**
 * What stands in `auth_events` or `prev_events` of an event that cites this one; `hash` is its `referenceHash`.
 * https://spec.matrix.org/v1.19/rooms/v1/#event-format
 */
export function referenceTo(eventId: EventId, hash: string, rules: Pick<RoomRules, 'eventIds'>): Reference {
  return rules.eventIds === 'wire' ? [eventId, { sha256: hash }] : eventId
}

/**
 * A new event of a server under its name: in versions 1 and 2 one that the server gives it, since then it has none of its own.
 * https://spec.matrix.org/v1.19/rooms/v1/#event-ids
 */
export function named(
  event: UnsignedPdu,
  { random, serverName }: { readonly random: (bytes: number) => Buffer; readonly serverName: ServerName },
  { eventIds }: Pick<RoomRules, 'eventIds'>,
): UnsignedPdu {
  if (eventIds !== 'wire') return event
  return { ...event, event_id: `$${random(18).toString('base64url')}:${serverName}`, origin: serverName }
}

/** The event that began a room of version 12 or later, which its room id names. */
export function createIdOf(roomId: string): EventId {
  return `$${roomId.slice(1)}`
}

function idsOf(references: readonly Reference[]): readonly EventId[] {
  if (!references.some((reference) => typeof reference !== 'string')) return references as readonly EventId[]
  return references.map((reference) => (typeof reference === 'string' ? reference : reference[0]))
}

/**
 * Judges whether a value is an event in the format of its room version, within all limits.
 * https://spec.matrix.org/v1.19/client-server-api/#size-limits and "Event format" of each room version.
 */
export function checkPduShape(value: unknown, rules: RoomRules): Verdict {
  if (!isJsonObject(value)) return refuse('the event is not an object')
  const wrong =
    wrongName(value, rules) ?? wrongRoomId(value, rules) ?? wrongReferences(value, rules) ?? wrongNumbers(value, rules) ?? wrongParts(value)
  return wrong === undefined ? checkSize(value, rules) : refuse(wrong)
}

function wrongName(event: JsonObject, rules: RoomRules): string | undefined {
  if (typeof event['type'] !== 'string' || !fits(event['type'], rules)) return 'type is not a string of at most 255 bytes'
  if (!isUserId(event['sender'])) return 'sender is not a user id'
  const stateKey = event['state_key']
  if (stateKey !== undefined && (typeof stateKey !== 'string' || !fits(stateKey, rules))) {
    return 'state_key is not a string of at most 255 bytes'
  }
  return rules.eventIds === 'wire' && !isEventIdWithDomain(event['event_id']) ? 'event_id is not an event id with a domain' : undefined
}

function wrongRoomId(event: JsonObject, rules: RoomRules): string | undefined {
  const isCreate = event['type'] === 'm.room.create' && event['state_key'] === ''
  if (rules.roomIdIsCreateHash && isCreate && event['room_id'] === undefined) return undefined
  return isRoomId(event['room_id']) ? undefined : 'room_id is not a room id'
}

function wrongReferences(event: JsonObject, rules: RoomRules): string | undefined {
  const isReference = rules.eventIds === 'wire' ? isPair : isEventId
  const limits = { auth_events: maxAuthEvents, prev_events: maxPrevEvents }
  for (const [field, limit] of Object.entries(limits)) {
    const list = event[field]
    if (!Array.isArray(list) || list.length > limit || !list.every(isReference))
      return `${field} is not a list of at most ${limit} event ids`
  }
  return undefined
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isEventId(value[0]) && isJsonObject(value[1])
}

function wrongNumbers(event: JsonObject, rules: RoomRules): string | undefined {
  const { depth, origin_server_ts: ts } = event
  const isDepth = rules.strictJson ? isSafe(depth) : isSafe(depth) || (typeof depth === 'bigint' && depth > 0n && depth < 2n ** 63n)
  if (!isDepth) return 'depth is not an integer within its limits'
  return Number.isSafeInteger(ts) ? undefined : 'origin_server_ts is not an integer within its limits'
}

function isSafe(value: Json | undefined): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function wrongParts(event: JsonObject): string | undefined {
  const { content, hashes, signatures, unsigned } = event
  if (!isJsonObject(content)) return 'content is not an object'
  if (!isJsonObject(hashes) || typeof hashes['sha256'] !== 'string') return 'hashes holds no sha256'
  if (!isJsonObject(signatures) || !Object.values(signatures).every(isMapOfStrings)) return 'signatures is not a map of maps of strings'
  return unsigned === undefined || isJsonObject(unsigned) ? undefined : 'unsigned is not an object'
}

function isMapOfStrings(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string')
}

function fits(text: string, rules: RoomRules): boolean {
  return rules.idLimit === 'bytes' ? fitsBytes(text, maxIdBytes) : text.length <= maxIdBytes || [...text].length <= maxIdBytes
}

/** The complete event, with its signatures but without `unsigned` (which differs from server to server), is at most 65,536 bytes long. */
function checkSize(event: JsonObject, rules: RoomRules): Verdict {
  try {
    const text = canonicalJson(event['unsigned'] === undefined ? event : { ...event, unsigned: undefined }, rules.strictJson)
    return fitsBytes(text, maxPduBytes) ? allow : refuse('the event is larger than 65,536 bytes')
  } catch (error) {
    if (error instanceof MatrixError) return refuse(error.message)
    throw error
  }
}
