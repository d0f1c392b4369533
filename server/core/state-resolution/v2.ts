import type { EventId } from '../ids.ts'
import { authEventIdsOf, createIdOf } from '../pdu.ts'
import { powerLevelsKey, type Question, type StateMapKey } from './conflict.ts'
import { checkIteratively, type Ground } from './iterative-auth-checks.ts'
import { orderByMainline } from './mainline-order.ts'
import { orderByPower } from './power-order.ts'
import { breath, type KnownEvent, pace, type ReadEvent, type Steps, want } from './steps.ts'

/**
 * Resolves a conflict by the algorithm of room versions 2 to 11, or by version 2.1 of it, which begins with an empty state. The answer is what is
 * to be set above the unconflicted state. https://spec.matrix.org/v1.19/rooms/v2/#algorithm
 */
export function* resolveV2(question: Question): Steps<Map<StateMapKey, EventId>> {
  const { rules, readEvent, unconflicted } = question
  const fullConflictedSet = yield* loadFullConflictedSet(question)
  // 1. Select the set X of all power events that appear in the full conflicted set. … Sort X into a list using the reverse topological
  // power ordering.
  const powerOrder = yield* orderByPower(fullConflictedSet, rules, readEvent)
  // 2. Apply the iterative auth checks algorithm, starting from the unconflicted state map (in version 2.1: from an empty state map), to
  // the list of events from the previous step to get a partially resolved state.
  const base = rules.stateResolution === 'v2' ? unconflicted : () => undefined
  const ground: Ground = { rules, readEvent, base, state: new Map() }
  yield* checkIteratively(powerOrder, ground)
  // 3. Take all remaining events that weren't picked in step 1 and order them by the mainline ordering based on the power level in the
  // partially resolved state obtained in step 2.
  const powerLevels = ground.state.get(powerLevelsKey) ?? base(powerLevelsKey)
  for (const event of powerOrder) fullConflictedSet.delete(event.eventId)
  const rest = yield* orderByMainline(fullConflictedSet.values(), powerLevels, readEvent)
  // 4. Apply the iterative auth checks algorithm on the partial resolved state and the list of events from the previous step.
  yield* checkIteratively(rest, ground)
  // 5. Update the result by replacing any event with the event with the same key from the unconflicted state map, if such an event exists.
  let count = 0
  for (const key of ground.state.keys()) {
    if (unconflicted(key) !== undefined) ground.state.delete(key)
    if (++count % pace === 0) yield breath
  }
  return ground.state
}

/** The full conflicted set: conflicted state set, auth difference and, in version 2.1, conflicted state subgraph; with what they cite loaded. */
function* loadFullConflictedSet({ conflicted, authEvents, readEvent, rules }: Question): Steps<Map<EventId, KnownEvent>> {
  const ids = new Set(authEvents)
  for (const eventIds of conflicted.values()) for (const eventId of eventIds) ids.add(eventId)
  yield* want(readEvent, ids)
  const events = yield* readStateEvents(ids, readEvent)
  const cited = new Set<EventId>()
  let count = 0
  for (const { pdu } of events.values()) {
    for (const authId of authEventIdsOf(pdu)) cited.add(authId)
    if (rules.roomIdIsCreateHash && pdu.room_id !== undefined) cited.add(createIdOf(pdu.room_id))
    if (++count % pace === 0) yield breath
  }
  yield* want(readEvent, cited)
  return events
}

function* readStateEvents(ids: ReadonlySet<EventId>, readEvent: ReadEvent): Steps<Map<EventId, KnownEvent>> {
  const events = new Map<EventId, KnownEvent>()
  let count = 0
  for (const eventId of ids) {
    const event = readEvent(eventId)
    if (event?.pdu.state_key !== undefined) events.set(eventId, event)
    if (++count % pace === 0) yield breath
  }
  return events
}
