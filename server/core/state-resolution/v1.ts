import { hash } from 'node:crypto'
import { checkAuthRules } from '../event-auth/check-auth-rules.ts'
import { selectAuthEvents } from '../event-auth/select-auth-events.ts'
import type { EventId } from '../ids.ts'
import type { ReadState } from '../pdu.ts'
import { powerLevelsKey, type Question, type StateMapKey, stateMapKey } from './conflict.ts'
import { breath, type KnownEvent, pace, type Steps, want } from './steps.ts'

type Ordered = { readonly event: KnownEvent; readonly sha1: string }

/**
 * Resolves a conflict by the algorithm of room version 1. The answer is what is to be set above the unconflicted state.
 * https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function* resolveV1(question: Question): Steps<Map<StateMapKey, EventId>> {
  const resolved = new Map<StateMapKey, EventId>()
  yield* loadConflict(question)
  const disputed = yield* orderDisputed(question, resolved)
  const passes = [
    // First we resolve conflicts between m.room.power_levels events.
    { takes: (key: StateMapKey) => key === powerLevelsKey, resolve: pickLastAllowed },
    // Repeat the above process for conflicts between m.room.join_rules events.
    { takes: (key: StateMapKey) => key.startsWith('m.room.join_rules\0'), resolve: pickLastAllowed },
    // Repeat the above process for conflicts between m.room.member events.
    { takes: (key: StateMapKey) => key.startsWith('m.room.member\0'), resolve: pickLastAllowed },
    // No other events affect the authorisation rules, so for all other conflicts, just pick …
    { takes: () => true, resolve: pickHighestAllowed },
  ]
  let count = 0
  for (const { takes, resolve } of passes) {
    const found = new Map<StateMapKey, EventId>()
    for (const [key, events] of disputed) {
      if (!takes(key)) continue
      found.set(key, resolve(events, key, { ...question, resolved }))
      disputed.delete(key)
      if (++count % pace === 0) yield breath
    }
    // Conflicts of one pass do not see each other's outcome: whichever comes first would win.
    for (const [key, eventId] of found) resolved.set(key, eventId)
  }
  return resolved
}

type Ground = Question & { readonly resolved: ReadonlyMap<StateMapKey, EventId> }

/** Takes events, from the first on, as long as each is allowed after the one before. */
function pickLastAllowed(events: readonly KnownEvent[], key: StateMapKey, ground: Ground): EventId {
  // Add the first event in the list to R.
  let picked = events[0]!
  for (const event of events.slice(1)) {
    // For each subsequent event in the list, check that the event would be allowed by the authorisation rules for a room in state R. If
    // the event would be allowed, then update R with the event and continue with the next event in the list. If it would not be allowed,
    // stop.
    if (!isAllowed(event, ground, key, picked)) break
    picked = event
  }
  return picked.eventId
}

/** "… the event with the highest depth and lowest sha1(event_id) that passes authentication in R"; the lowest of all where none does. */
function pickHighestAllowed(events: readonly KnownEvent[], _key: StateMapKey, ground: Ground): EventId {
  return (events.findLast((event) => isAllowed(event, ground)) ?? events[0]!).eventId
}

function isAllowed(
  { pdu }: KnownEvent,
  { rules, readEvent, unconflicted, resolved }: Ground,
  key?: StateMapKey,
  picked?: KnownEvent,
): boolean {
  const readState: ReadState = (type, stateKey) => {
    const wanted = stateMapKey(type, stateKey)
    if (wanted === key) return picked?.pdu
    const eventId = resolved.get(wanted) ?? unconflicted(wanted)
    return eventId === undefined ? undefined : readEvent(eventId)?.pdu
  }
  return checkAuthRules(pdu, rules, readState).allowed
}

/** Every conflict's events by ascending `depth`, then descending `sha1(event_id)`; one of which a single event is known is settled at once. */
function* orderDisputed(
  { conflicted, readEvent }: Question,
  resolved: Map<StateMapKey, EventId>,
): Steps<Map<StateMapKey, readonly KnownEvent[]>> {
  const disputed = new Map<StateMapKey, readonly KnownEvent[]>()
  let count = 0
  for (const [key, eventIds] of conflicted) {
    const known = eventIds.map(readEvent).filter((event) => event !== undefined)
    if (known.length === 1) resolved.set(key, known[0]!.eventId)
    if (known.length > 1) disputed.set(key, orderByDepth(known))
    if (++count % pace === 0) yield breath
  }
  return disputed
}

function orderByDepth(events: readonly KnownEvent[]): readonly KnownEvent[] {
  const ordered: Ordered[] = events.map((event) => ({ event, sha1: hash('sha1', event.eventId) }))
  return ordered.sort(compare).map(({ event }) => event)
}

function compare(x: Ordered, y: Ordered): number {
  const [left, right] = [x.event.pdu.depth, y.event.pdu.depth]
  if (left < right || left > right) return left < right ? -1 : 1
  return x.sha1 > y.sha1 ? -1 : 1
}

/** Loads the events in conflict, and what the rules may ask for of the unconflicted state. */
function* loadConflict({ conflicted, unconflicted, readEvent, rules }: Question): Steps<void> {
  yield* want(readEvent, [...conflicted.values()].flat())
  const needed = new Set<EventId>()
  let count = 0
  for (const eventId of [...conflicted.values()].flat()) {
    const event = readEvent(eventId)
    if (event === undefined) continue
    for (const [type, stateKey] of selectAuthEvents(event.pdu, rules)) {
      const neededId = unconflicted(stateMapKey(type, stateKey))
      if (neededId !== undefined) needed.add(neededId)
    }
    if (++count % pace === 0) yield breath
  }
  yield* want(readEvent, needed)
}
