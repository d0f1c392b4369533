import type { EventId } from '../ids.ts'
import type { RoomRules } from '../room-versions.ts'
import type { AuthChainIndex } from './auth-chain-index.ts'
import { authDifference, conflictedSubgraph } from './auth-chain-queries.ts'
import { type Question, type Separated, type StateMap, type StateMapKey, separateStates } from './conflict.ts'
import { breath, pace, type ReadEvent, type Steps } from './steps.ts'
import { resolveV1 } from './v1.ts'
import { resolveV2 } from './v2.ts'

/** Resolves a conflict by the algorithm of its room version. The answer is what is to be set above the unconflicted state. */
export function resolveConflict(question: Question): Steps<Map<StateMapKey, EventId>> {
  return question.rules.stateResolution === 'v1' ? resolveV1(question) : resolveV2(question)
}

/** What all states of a room have, at places of which the states themselves say nothing. */
export type Shared = { readonly get: (key: StateMapKey) => EventId | undefined; readonly values: () => Iterable<EventId> }

const nothing: Shared = { get: () => undefined, values: () => [] }

/**
 * Resolves states of one room, as they are after the events that some event cites in `prev_events`. All their events stand in the auth chain index.
 * What is `shared` need not stand in each of them, and is no part of the answer. "State resolution" of each room version.
 */
export function* resolveStates(
  states: readonly StateMap[],
  rules: RoomRules,
  readEvent: ReadEvent,
  index: AuthChainIndex,
  shared: Shared = nothing,
): Steps<Map<StateMapKey, EventId>> {
  const separated = yield* separateStates(states, rules)
  const { unconflicted, conflicted } = separated
  const resolved = new Map(unconflicted)
  if (conflicted.size === 0) return resolved
  const authEvents = rules.stateResolution === 'v1' ? [] : yield* findAuthEvents(states, separated, rules, index, shared)
  const agreed = (key: StateMapKey) => unconflicted.get(key) ?? shared.get(key)
  const changes = yield* resolveConflict({ rules, readEvent, conflicted, authEvents, unconflicted: agreed })
  let count = 0
  for (const [key, eventId] of changes) {
    resolved.set(key, eventId)
    if (++count % pace === 0) yield breath
  }
  return resolved
}

function* findAuthEvents(
  states: readonly StateMap[],
  { unconflicted, conflicted }: Separated,
  rules: RoomRules,
  index: AuthChainIndex,
  shared: Shared,
): Steps<EventId[]> {
  const sets: EventId[][] = states.map(() => [])
  let count = 0
  for (const key of conflicted.keys()) {
    for (const [at, state] of states.entries()) {
      const eventId = state.get(key)
      if (eventId !== undefined) sets[at]!.push(eventId)
    }
    if (++count % pace === 0) yield breath
  }
  const difference = yield* authDifference(index, sets, inTurn(unconflicted.values(), shared.values()))
  if (rules.stateResolution === 'v2') return difference
  return [...difference, ...(yield* conflictedSubgraph(index, new Set(sets.flat())))]
}

function* inTurn<T>(...lists: Iterable<T>[]): Iterable<T> {
  for (const list of lists) yield* list
}
