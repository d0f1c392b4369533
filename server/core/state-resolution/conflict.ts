import type { EventId } from '../ids.ts'
import type { RoomRules } from '../room-versions.ts'
import { breath, pace, type ReadEvent, type Steps } from './steps.ts'

/** The key of a state event in maps: its type and its state key with NUL between them. */
export type StateMapKey = string

/** The state of a room at one point. */
export type StateMap = ReadonlyMap<StateMapKey, EventId>

/** What several states of a room agree on, and what they don't. */
export type Conflict = {
  readonly unconflicted: (key: StateMapKey) => EventId | undefined
  readonly conflicted: ReadonlyMap<StateMapKey, readonly EventId[]>
}

/** A conflict as `separateStates` finds it. */
export type Separated = {
  readonly unconflicted: ReadonlyMap<StateMapKey, EventId>
  readonly conflicted: ReadonlyMap<StateMapKey, readonly EventId[]>
}

/** A conflict and all that is needed to resolve it. */
export type Question = Conflict & {
  readonly rules: RoomRules
  readonly readEvent: ReadEvent
  /** Auth difference and, in version 2.1, conflicted state subgraph; version 1 knows neither. */
  readonly authEvents: Iterable<EventId>
}

export const powerLevelsKey: StateMapKey = stateMapKey('m.room.power_levels', '')

/** The key of a state event in maps. */
export function stateMapKey(type: string, stateKey: string): StateMapKey {
  return `${type}\0${stateKey}`
}

/**
 * Divides states into what they agree on and what they don't. Since version 2 of state resolution a key that some states lack is in conflict;
 * in version 1 only different events are. https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* separateStates(states: readonly StateMap[], rules: Pick<RoomRules, 'stateResolution'>): Steps<Separated> {
  const unconflicted = new Map<StateMapKey, EventId>()
  const conflicted = new Map<StateMapKey, EventId[]>()
  let count = 0
  for (const [key, eventId] of states[0] ?? []) {
    if (states.every((state) => state.get(key) === eventId)) unconflicted.set(key, eventId)
    if (++count % pace === 0) yield breath
  }
  for (const state of states) {
    for (const [key, eventId] of state) {
      if (unconflicted.get(key) !== eventId) add(conflicted, key, eventId)
      if (++count % pace === 0) yield breath
    }
  }
  if (rules.stateResolution === 'v1') settleLoneEvents(unconflicted, conflicted)
  return { unconflicted, conflicted }
}

function add(conflicted: Map<StateMapKey, EventId[]>, key: StateMapKey, eventId: EventId): void {
  const known = conflicted.get(key)
  if (known === undefined) conflicted.set(key, [eventId])
  else if (!known.includes(eventId)) known.push(eventId)
}

/** "A conflict occurs between states where those states have different event_ids for the same (event_type, state_key)." */
function settleLoneEvents(unconflicted: Map<StateMapKey, EventId>, conflicted: Map<StateMapKey, EventId[]>): void {
  for (const [key, eventIds] of conflicted) {
    if (eventIds.length > 1) continue
    unconflicted.set(key, eventIds[0]!)
    conflicted.delete(key)
  }
}
