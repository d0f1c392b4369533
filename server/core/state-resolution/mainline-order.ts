import type { EventId } from '../ids.ts'
import { authEventIdsOf } from '../pdu.ts'
import { sortInSteps } from './heap.ts'
import { compareByTime } from './power-order.ts'
import { breath, type KnownEvent, pace, type ReadEvent, type Steps, want } from './steps.ts'

type Placed = { readonly event: KnownEvent; readonly position: number }

/**
 * Sorts events by the mainline ordering based on power levels P; without those every position is infinite.
 * https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* orderByMainline(
  events: Iterable<KnownEvent>,
  powerLevels: EventId | undefined,
  readEvent: ReadEvent,
): Steps<KnownEvent[]> {
  const positions = yield* mainlineOf(powerLevels, readEvent)
  const placed: Placed[] = []
  for (const event of events) {
    placed.push({ event, position: yield* positionOf(event, positions, readEvent) })
    if (placed.length % pace === 0) yield breath
  }
  return (yield* sortInSteps(placed, compare)).map(({ event }) => event)
}

/** The mainline of P₀: each event's index in the list [P₀, P₁, …, Pₙ]. */
function* mainlineOf(powerLevels: EventId | undefined, readEvent: ReadEvent): Steps<Map<EventId, number>> {
  const positions = new Map<EventId, number>()
  // Repeatedly fetch Pᵢ₊₁, the m.room.power_levels event in the auth_events of Pᵢ, until Pᵢ has none. (A ring, as in versions 1 and 2 can
  // be, ends where it began.)
  for (let next = powerLevels; next !== undefined && !positions.has(next); next = yield* powerLevelsBefore(next, readEvent)) {
    positions.set(next, positions.size)
    if (positions.size % pace === 0) yield breath
  }
  return positions
}

/**
 * The mainline position of an event: the index of the first power levels of the mainline that it is based on. All power levels on the way
 * are remembered with that position, so that each is walked over once.
 */
function* positionOf(event: KnownEvent, positions: Map<EventId, number>, readEvent: ReadEvent): Steps<number> {
  const walked = new Set<EventId>()
  let next = yield* powerLevelsBefore(event.eventId, readEvent)
  while (next !== undefined && !positions.has(next) && !walked.has(next)) {
    walked.add(next)
    if (walked.size % pace === 0) yield breath
    next = yield* powerLevelsBefore(next, readEvent)
  }
  // If such a j exists, then eⱼ = Pᵢ for some unique index i ≥ 0. Otherwise set i = ∞.
  const position = (next === undefined ? undefined : positions.get(next)) ?? Number.POSITIVE_INFINITY
  for (const powerLevels of walked) positions.set(powerLevels, position)
  return position
}

/** The m.room.power_levels event in the auth_events of an event. */
function* powerLevelsBefore(eventId: EventId, readEvent: ReadEvent): Steps<EventId | undefined> {
  if (readEvent(eventId) === undefined) yield* want(readEvent, [eventId])
  const event = readEvent(eventId)
  if (event === undefined) return undefined
  const cited = authEventIdsOf(event.pdu)
  if (cited.some((authId) => readEvent(authId) === undefined)) yield* want(readEvent, cited)
  return cited.find((authId) => {
    const authEvent = readEvent(authId)
    return authEvent?.pdu.type === 'm.room.power_levels' && authEvent.pdu.state_key === ''
  })
}

function compare(x: Placed, y: Placed): number {
  // x < y if the mainline position of x is greater than the mainline position of y; or …
  if (x.position !== y.position) return x.position > y.position ? -1 : 1
  // … the mainline positions of the events are the same, but …
  return compareByTime(x.event, y.event)
}
