import { setImmediate as breathe } from 'node:timers/promises'
import { checkAuthEvents } from '../../core/event-auth/check-auth-events.ts'
import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import type { EventId, RoomId } from '../../core/ids.ts'
import { authEventIdsOf, createIdOf, type Pdu, type ReadState } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { refuse, type Verdict } from '../../core/verdict.ts'
import type { Home } from '../../home.ts'
import { type Write, write } from '../../storage/database.ts'
import { stateKeyOf } from '../room.ts'
import type { Incoming } from './check-incoming.ts'
import { bytesOfReceived, depthOf, loadStored, orderOfHistory } from './known-events.ts'
import { insertOutlier } from './stored.store.ts'

/** An event that others are judged by, and whether it was rejected itself. */
export type Judged = { readonly pdu: Pdu; readonly rejected: boolean }

const pageSize = 500

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
  const known = new Map<EventId, Judged>()
  const cited = new Set(events.flatMap(({ eventId, pdu }) => [eventId, ...authEventIdsOf(pdu)]))
  if (rules.roomIdIsCreateHash) cited.add(createIdOf(roomId))
  const all = [...cited]
  for (let from = 0; from < all.length; from += pageSize) {
    for (const [eventId, event] of await loadStored(database.select, all.slice(from, from + pageSize))) known.set(eventId, event)
  }
  let waiting = events.filter(({ eventId }) => !known.has(eventId))
  while (waiting.length > 0) {
    const writes: Write[] = []
    const later: Incoming[] = []
    for (const event of waiting) {
      const verdict = checkByAuthEvents(event, rules, (eventId) => known.get(eventId))
      if (verdict === undefined || writes.length >= pageSize) {
        later.push(event)
        continue
      }
      known.set(event.eventId, { pdu: event.pdu, rejected: !verdict.allowed })
      writes.push(outlierWrite(roomId, rules, event, !verdict.allowed))
    }
    if (writes.length === 0) break
    await database.commit({ writes })
    await breathe()
    waiting = later
  }
  return known
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
