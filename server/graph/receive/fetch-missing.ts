import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import { isEventId } from '../../core/ids.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { checkPduShape } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import { checkIncoming, type Incoming } from './check-incoming.ts'

type Tools = Pick<Home, 'peers' | 'keyRing'>

const mostMissing = 20
const mostBytes = 50 * 1024 * 1024
const mostListed = 100_000
const signaturesAtOnce = 8

/** What a server says of a room; nothing of it is believed before it was checked. */
export type Source = { readonly origin: ServerName; readonly roomId: RoomId; readonly rules: RoomRules }

/** Events between what we have and what we were sent, oldest first as far as depths tell; `malformed` when that is no list of events of this room version. */
export async function fetchMissingEvents(
  tools: Tools,
  source: Source,
  latest: readonly EventId[],
  earliest: readonly EventId[],
): Promise<Incoming[] | 'malformed'> {
  const content = { limit: mostMissing, min_depth: 0, latest_events: [...latest], earliest_events: [...earliest] }
  const uri = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(source.roomId)}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'POST', uri, content })
  if (!answer.ok || answer.status !== 200) return []
  if (!Array.isArray(answer.body['events'])) return 'malformed'
  const listed = listAt(answer.body, 'events').slice(0, mostMissing)
  if (listed.some((value) => !checkPduShape(value, source.rules).allowed)) return 'malformed'
  const events = await checkAll(tools, source, listed)
  return events.sort((a, b) => Number(a.pdu.depth) - Number(b.pdu.depth))
}

/** Events before others, and these themselves, oldest first as far as depths tell. */
export async function fetchBackfill(tools: Tools, source: Source, from: readonly EventId[], limit: number): Promise<Incoming[]> {
  const named = from.map((eventId) => `v=${encodeURIComponent(eventId)}`).join('&')
  const uri = `/_matrix/federation/v1/backfill/${encodeURIComponent(source.roomId)}?limit=${limit}&${named}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'GET', uri, limit: mostBytes })
  if (!answer.ok || answer.status !== 200) return []
  const events = await checkAll(tools, source, listAt(answer.body, 'pdus').slice(0, limit))
  return events.sort((a, b) => Number(a.pdu.depth) - Number(b.pdu.depth))
}

/** The auth chain of an event. */
export async function fetchAuthChain(tools: Tools, source: Source, eventId: EventId): Promise<Incoming[]> {
  const uri = `/_matrix/federation/v1/event_auth/${encodeURIComponent(source.roomId)}/${encodeURIComponent(eventId)}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'GET', uri, limit: mostBytes })
  if (answer.ok && answer.status === 200) return checkAll(tools, source, listAt(answer.body, 'auth_chain').slice(0, mostListed))
  return []
}

/** Events by their ids, each asked for by itself, as many as are worth it. */
export async function fetchEvents(tools: Tools, source: Source, eventIds: readonly EventId[]): Promise<Incoming[]> {
  const found = await Promise.all(eventIds.slice(0, mostMissing).map((eventId) => fetchEvent(tools, source, eventId)))
  return found.filter((event) => event !== undefined)
}

/** One event by its id; undefined when it is not given, or is another one. */
export async function fetchEvent(tools: Tools, source: Source, eventId: EventId): Promise<Incoming | undefined> {
  const uri = `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'GET', uri })
  if (!answer.ok || answer.status !== 200) return undefined
  const [event] = await checkAll(tools, source, listAt(answer.body, 'pdus').slice(0, 1))
  return event?.eventId === eventId ? event : undefined
}

/** The state before an event, and its auth chain, by ids. */
export async function fetchStateIds(
  tools: Tools,
  source: Source,
  eventId: EventId,
): Promise<{ readonly state: readonly EventId[]; readonly authChain: readonly EventId[] } | undefined> {
  const uri = `/_matrix/federation/v1/state_ids/${encodeURIComponent(source.roomId)}?event_id=${encodeURIComponent(eventId)}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'GET', uri, limit: mostBytes })
  if (!answer.ok || answer.status !== 200) return undefined
  const idsAt = (key: string) => listAt(answer.body, key).filter(isEventId).slice(0, mostListed)
  return { state: idsAt('pdu_ids'), authChain: idsAt('auth_chain_ids') }
}

/** The state before an event, and its auth chain, whole. */
export async function fetchState(tools: Tools, source: Source, eventId: EventId): Promise<Incoming[]> {
  const uri = `/_matrix/federation/v1/state/${encodeURIComponent(source.roomId)}?event_id=${encodeURIComponent(eventId)}`
  const answer = await tools.peers.fetchJson({ destination: source.origin, method: 'GET', uri, limit: mostBytes })
  if (!answer.ok || answer.status !== 200) return []
  return checkAll(tools, source, [...listAt(answer.body, 'pdus'), ...listAt(answer.body, 'auth_chain')].slice(0, mostListed))
}

/** Those of many events that are well-formed and signed, in their order; keys are asked for side by side. */
export async function checkAll(tools: Tools, { rules, roomId }: Source, values: readonly Json[]): Promise<Incoming[]> {
  const found: (Incoming | undefined)[] = new Array(values.length)
  let next = 0
  const work = async () => {
    for (let at = next++; at < values.length; at = next++) {
      const checked = await checkIncoming(tools.keyRing, rules, roomId, values[at])
      found[at] = typeof checked === 'string' ? undefined : checked
      // A signature takes a tenth of a millisecond or so.
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: signaturesAtOnce }, work))
  return found.filter((event) => event !== undefined)
}

function listAt(body: JsonObject, key: string): readonly Json[] {
  const list = body[key]
  return Array.isArray(list) ? list : []
}
