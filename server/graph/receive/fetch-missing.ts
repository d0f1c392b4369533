import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import { isEventId, isUserId, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { checkPduShape } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import type { KeyRing } from '../../remote/key-ring.ts'
import type { SignedRequest } from '../../remote/signed-request.ts'
import type { Budget } from './budget.ts'
import { checkIncoming, type Incoming, mayBeChanged } from './check-incoming.ts'
import { keepNames } from './event-names.ts'
import { askFewForKeys } from './few-keys.ts'

type Tools = Pick<Home, 'peers' | 'keyRing' | 'database'>

const mostMissing = 20
const mostListed = 100_000
const mostOfRoom = 2_000_000
const pageSize = 1000
const megabyte = 1024 * 1024
const signaturesAtOnce = 8
const serversAtOnce = 40
/** So many signatures are checked in one turn: each takes a tenth of a millisecond, of a large event ten times that. */
const checkedAtOnce = 8
/** Of an answer's servers whose keys are not here so many are asked; of the state of a room that is entered all, within reason. */
const mostAskedForKeys = 50
const mostAskedOnEntry = 5000
const patienceForKeys = 300_000
const patience = 15_000
const patienceForState = 30_000
const patienceForAll = 300_000

/** What a server says of a room; nothing of it is believed before it was checked. */
export type Source = {
  readonly origin: ServerName
  readonly roomId: RoomId
  readonly rules: RoomRules
  /** The event that began the room, once that is known. */
  readonly opening?: EventId | undefined
  /** What may be asked of it for the event at hand. */
  readonly budget?: Budget
}

/** Events between what we have and what we were sent, oldest first as far as depths tell; `malformed` when that is no list of events of this room version. */
export async function fetchMissingEvents(
  tools: Tools,
  source: Source,
  latest: readonly EventId[],
  earliest: readonly EventId[],
): Promise<Incoming[] | 'malformed'> {
  const content = { limit: mostMissing, min_depth: 0, latest_events: [...latest], earliest_events: [...earliest] }
  const uri = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(source.roomId)}`
  const answer = await ask(tools, source, { method: 'POST', uri, content, limit: 2 * megabyte })
  if (answer === undefined) return []
  if (!Array.isArray(answer['events'])) return 'malformed'
  const listed = listAt(answer, 'events').slice(0, mostMissing)
  if (listed.some((value) => !checkPduShape(value, source.rules).allowed)) return 'malformed'
  const given = await checkAll(tools, source, listed)
  const events = await Promise.all(given.map((event) => (mayBeChanged(source.origin, event) ? asItWas(tools, source, event) : event)))
  return events.sort((a, b) => Number(a.pdu.depth) - Number(b.pdu.depth))
}

/** Events before others, and these themselves, oldest first as far as depths tell; undefined when the server gives none. */
export async function fetchBackfill(
  tools: Tools,
  source: Source,
  from: readonly EventId[],
  limit: number,
): Promise<Incoming[] | undefined> {
  const named = from.map((eventId) => `v=${encodeURIComponent(eventId)}`).join('&')
  const uri = `/_matrix/federation/v1/backfill/${encodeURIComponent(source.roomId)}?limit=${limit}&${named}`
  const answer = await ask(tools, source, { method: 'GET', uri, limit: 8 * megabyte, timeoutMs: patienceForState })
  if (answer === undefined) return undefined
  const events = await checkAll(tools, source, listAt(answer, 'pdus').slice(0, limit))
  return events.sort((a, b) => Number(a.pdu.depth) - Number(b.pdu.depth))
}

/** Which event a server has closest to a moment, after it or before it. */
export async function fetchClosest(
  tools: Tools,
  { origin, roomId }: Source,
  timestamp: number,
  direction: 'b' | 'f',
): Promise<{ readonly eventId: EventId; readonly timestamp: number } | undefined> {
  const uri = `/_matrix/federation/v1/timestamp_to_event/${encodeURIComponent(roomId)}?ts=${timestamp}&dir=${direction}`
  const answer = await tools.peers.fetchJson({ destination: origin, method: 'GET', uri })
  if (!answer.ok || answer.status !== 200) return undefined
  const { event_id: eventId, origin_server_ts: sentAt } = answer.body
  return isEventId(eventId) && typeof sentAt === 'number' ? { eventId, timestamp: sentAt } : undefined
}

/** The auth chain of an event. */
export async function fetchAuthChain(tools: Tools, source: Source, eventId: EventId): Promise<Incoming[]> {
  const uri = `/_matrix/federation/v1/event_auth/${encodeURIComponent(source.roomId)}/${encodeURIComponent(eventId)}`
  const answer = await ask(tools, source, { method: 'GET', uri, limit: 10 * megabyte, timeoutMs: patienceForState })
  return answer === undefined ? [] : checkAll(tools, source, listAt(answer, 'auth_chain').slice(0, mostListed))
}

/** Events by their ids, each asked for by itself, as many as are worth it. */
export async function fetchEvents(tools: Tools, source: Source, eventIds: readonly EventId[]): Promise<Incoming[]> {
  const found = await Promise.all(eventIds.slice(0, mostMissing).map((eventId) => fetchEvent(tools, source, eventId)))
  return found.filter((event) => event !== undefined)
}

/** One event by its id; undefined when it is not given, or is another one. */
export async function fetchEvent(tools: Tools, source: Source, eventId: EventId): Promise<Incoming | undefined> {
  const uri = `/_matrix/federation/v1/event/${encodeURIComponent(eventId)}`
  const answer = await ask(tools, source, { method: 'GET', uri, limit: megabyte })
  if (answer === undefined) return undefined
  const [event] = await checkAll(tools, source, listAt(answer, 'pdus').slice(0, 1))
  return event?.eventId === eventId ? event : undefined
}

/** An event as its own server has it, if that can be asked. */
async function asItWas(tools: Tools, source: Source, event: Incoming): Promise<Incoming> {
  return (await fetchEvent(tools, { ...source, origin: serverNameOf(event.pdu.sender) }, event.eventId)) ?? event
}

/** The state before an event, and its auth chain, by ids. */
export async function fetchStateIds(
  tools: Tools,
  source: Source,
  eventId: EventId,
): Promise<{ readonly state: readonly EventId[]; readonly authChain: readonly EventId[] } | undefined> {
  const uri = `/_matrix/federation/v1/state_ids/${encodeURIComponent(source.roomId)}?event_id=${encodeURIComponent(eventId)}`
  const limits = source.budget?.isAmple
    ? { limit: 100 * megabyte, timeoutMs: patienceForAll }
    : { limit: 10 * megabyte, timeoutMs: patienceForState }
  const answer = await ask(tools, source, { method: 'GET', uri, ...limits })
  if (answer === undefined) return undefined
  const idsAt = (key: string) => listAt(answer, key).filter(isEventId).slice(0, mostOf(source))
  return { state: idsAt('pdu_ids'), authChain: idsAt('auth_chain_ids') }
}

/** The state before an event, and its auth chain, whole; undefined when the server does not give it. */
export async function fetchState(tools: Tools, source: Source, eventId: EventId): Promise<Incoming[] | undefined> {
  const uri = `/_matrix/federation/v1/state/${encodeURIComponent(source.roomId)}?event_id=${encodeURIComponent(eventId)}`
  const limits = source.budget?.isAmple
    ? { limit: 500 * megabyte, timeoutMs: patienceForAll }
    : { limit: 50 * megabyte, timeoutMs: patienceForState }
  const answer = await ask(tools, source, { method: 'GET', uri, ...limits })
  if (answer === undefined) return undefined
  return checkAll(tools, source, [...listAt(answer, 'pdus'), ...listAt(answer, 'auth_chain')].slice(0, mostOf(source)))
}

/**
 * Those of many events that are well-formed and signed, in their order. Keys are asked for side by side, where there is no budget for a while: what is
 * signed by servers that have not answered by then is left out.
 */
export async function checkAll(
  tools: Tools,
  { rules, roomId, budget }: Source,
  values: readonly Json[],
  keysMs = patienceForKeys,
): Promise<Incoming[]> {
  const signal = budget?.signal()
  const isAll = budget === undefined || budget.isAmple === true
  const until = isAll ? AbortSignal.any([AbortSignal.timeout(keysMs), ...(signal ? [signal] : [])]) : signal
  const keyRing = askFewForKeys(tools.keyRing, isAll ? mostAskedOnEntry : mostAskedForKeys, until)
  if (isAll) await askForKeys(keyRing, values)
  const found: (Incoming | undefined)[] = new Array(values.length)
  let next = 0
  let breath: Promise<void> | undefined
  const work = async () => {
    for (let at = next++; at < values.length && !signal?.aborted; at = next++) {
      // All of them wait: one that went on would leave no turn to others.
      if (at % checkedAtOnce === 0) breath = breathe()
      await breath
      const checked = await checkIncoming(keyRing, rules, roomId, values[at])
      found[at] = typeof checked === 'string' ? undefined : checked
    }
  }
  await Promise.all(Array.from({ length: signaturesAtOnce }, work))
  const checked = found.filter((event) => event !== undefined)
  return keepNames(tools, rules, checked)
}

/** Asks for the keys of all senders' servers side by side: of some that are away each would be waited for by itself. */
async function askForKeys(keyRing: Pick<KeyRing, 'find'>, values: readonly Json[]): Promise<void> {
  const wanted = new Map<ServerName, string>()
  for (const [at, value] of values.entries()) {
    if (at % pageSize === 0) await breathe()
    const { sender, signatures } = isJsonObject(value) ? value : {}
    const server = isUserId(sender) ? serverNameOf(sender) : undefined
    const own = server !== undefined && isJsonObject(signatures) && Object.hasOwn(signatures, server) ? signatures[server] : undefined
    const keyId = isJsonObject(own) ? Object.keys(own).find((one) => one.startsWith('ed25519:')) : undefined
    if (server !== undefined && keyId !== undefined && !wanted.has(server)) wanted.set(server, keyId)
  }
  const left = wanted.entries()
  const work = async () => {
    for (const [serverName, keyId] of left) await keyRing.find({ serverName, keyId, at: undefined })
  }
  await Promise.all(Array.from({ length: serversAtOnce }, work))
}

/** The body of what the server answers; undefined where that is of no use. */
async function ask(
  tools: Tools,
  { origin, budget }: Source,
  question: Omit<SignedRequest, 'destination'>,
): Promise<JsonObject | undefined> {
  const signal = budget?.signal()
  const answer = await tools.peers.fetchJson({
    timeoutMs: patience,
    ...question,
    destination: origin,
    exact: true,
    ...(signal ? { signal } : {}),
  })
  return answer.ok && answer.status === 200 ? answer.body : undefined
}

function mostOf({ budget }: Source): number {
  return budget?.isAmple ? mostOfRoom : mostListed
}

function listAt(body: JsonObject, key: string): readonly Json[] {
  const list = body[key]
  return Array.isArray(list) ? list : []
}
