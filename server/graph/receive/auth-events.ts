import { setImmediate as breathe } from 'node:timers/promises'
import { checkAuthEvents } from '../../core/event-auth/check-auth-events.ts'
import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import type { EventId, RoomId } from '../../core/ids.ts'
import { authEventIdsOf, authorisingIdsOf, createIdOf, type Pdu, type ReadState } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { refuse, type Verdict } from '../../core/verdict.ts'
import type { Home } from '../../home.ts'
import { type Write, write } from '../../storage/database.ts'
import { stateKeyOf } from '../room.ts'
import type { Incoming } from './check-incoming.ts'
import { citedFirst } from './cited-first.ts'
import { bytesOfReceived, depthOf, orderOfHistory } from './known-events.ts'
import { insertOutlier } from './stored.store.ts'
import { storedInPages } from './stored-in-pages.ts'

/** An event that others are judged by, and whether it was rejected itself. */
export type Judged = { readonly pdu: Pdu; readonly rejected: boolean }

const pageSize = 500
const pageBytes = 1024 * 1024
/** So many are judged in one turn. */
const atOnce = 50

/**
 * Whether an event belongs to what a create event began: it is it, or cites it, as all of a room does. A server after which a room is named could begin
 * it again, and every event of that would be in order by itself. Since version 12 the room id leaves no room for a second one.
 */
export function isUnder(opening: EventId | undefined, rules: RoomRules, event: { readonly eventId?: EventId; readonly pdu: Pdu }): boolean {
  if (rules.roomIdIsCreateHash || opening === undefined || event.eventId === opening) return true
  return authEventIdsOf(event.pdu).includes(opening)
}

/**
 * Check 4: passes authorisation rules based on the event's auth events, otherwise it is rejected. Undefined when some of those are not known.
 * https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function checkByAuthEvents(
  { pdu, signedBy }: Incoming,
  rules: RoomRules,
  find: (eventId: EventId) => Judged | undefined,
): Verdict | undefined {
  const cited = authEventIdsOf(pdu).map(find)
  const known = cited.filter((event) => event !== undefined)
  if (known.length < cited.length) return undefined
  const verdict = checkAuthEvents(pdu, rules, known)
  if (!verdict.allowed) return verdict
  const began = authEventIdsOf(pdu).find((eventId) => find(eventId)?.pdu.type === 'm.room.create')
  const strays = known.some((event) => event.pdu.type !== 'm.room.create' && !isUnder(began, rules, event))
  if (strays) return refuse('auth_events cites events of different beginnings of the room')
  // Since version 12 the room id is what cites the create event.
  const isNamed = rules.roomIdIsCreateHash && pdu.room_id !== undefined
  const opening = isNamed ? find(createIdOf(pdu.room_id)) : undefined
  if (isNamed && opening === undefined) return undefined
  if (opening?.rejected) return refuse('the create event was rejected')
  const all = opening === undefined ? known : [...known, opening]
  const state = new Map(all.map((event) => [stateKeyOf(event.pdu.type, event.pdu.state_key ?? ''), event.pdu]))
  const readState: ReadState = (type, stateKey) => state.get(stateKeyOf(type, stateKey))
  return checkAuthRules(pdu, rules, readState, (server) => signedBy.has(server))
}

/**
 * Stores events beside the room, as those which others are judged by: each after the events that it cites, rejected where those refuse it. One that
 * cites what is not among them nor on disk is left out. Gives those that are known then.
 */
export async function storeOutliers(
  { database }: Pick<Home, 'database'>,
  rules: RoomRules,
  roomId: RoomId,
  events: readonly Incoming[],
): Promise<Map<EventId, Judged>> {
  const given = new Map<EventId, Incoming>()
  const cited = new Set(rules.roomIdIsCreateHash ? [createIdOf(roomId)] : [])
  for (const [at, event] of events.entries()) {
    if (!given.has(event.eventId)) given.set(event.eventId, event)
    for (const eventId of [event.eventId, ...authEventIdsOf(event.pdu)]) cited.add(eventId)
    if (at % pageSize === 0) await breathe()
  }
  const known = new Map<EventId, Judged>()
  for await (const event of storedInPages(database.select, cited)) {
    known.set(event.eventId, event)
    given.delete(event.eventId)
  }
  const page: Write[] = []
  let bytes = 0
  let judged = 0
  for (const eventId of await citedFirst(citesOf(given, rules, roomId))) {
    const event = given.get(eventId) as Incoming
    const verdict = checkByAuthEvents(event, rules, (id) => known.get(id))
    if (verdict !== undefined) {
      known.set(eventId, { pdu: event.pdu, rejected: !verdict.allowed })
      const outlier = outlierWrite(roomId, rules, event, !verdict.allowed)
      page.push(outlier)
      bytes += (outlier.parameters.at(-1) as Uint8Array).length
    }
    if (page.length >= pageSize || bytes >= pageBytes) {
      await database.commit({ writes: page.splice(0) })
      bytes = 0
    }
    if (++judged % atOnce === 0) await breathe()
  }
  if (page.length > 0) await database.commit({ writes: page })
  return known
}

/** What each event is judged by; since version 12 the create event is cited by the room id. */
function citesOf(given: ReadonlyMap<EventId, Incoming>, rules: RoomRules, roomId: RoomId): Map<EventId, readonly EventId[]> {
  return new Map(Array.from(given.values(), ({ eventId, pdu }) => [eventId, authorisingIdsOf(pdu, rules, roomId)]))
}

/** What keeps an event beside the room. */
export function outlierWrite(
  roomId: RoomId,
  rules: RoomRules,
  { eventId, pdu }: Pick<Incoming, 'eventId' | 'pdu'>,
  rejected: boolean,
): Write {
  const { type, state_key = null, sender, origin_server_ts } = pdu
  const place = [depthOf(pdu), orderOfHistory(eventId)] as const
  return write(
    insertOutlier,
    eventId,
    roomId,
    ...place,
    type,
    state_key,
    sender,
    rejected ? 1 : 0,
    Number(origin_server_ts),
    bytesOfReceived(pdu, rules),
  )
}
