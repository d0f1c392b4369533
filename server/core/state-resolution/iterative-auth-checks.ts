import { checkAuthRules } from '../event-auth/check-auth-rules.ts'
import { selectAuthEvents } from '../event-auth/select-auth-events.ts'
import type { EventId } from '../ids.ts'
import { authEventIdsOf, createIdOf, type Pdu } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { type StateMapKey, stateMapKey } from './conflict.ts'
import { breath, type KnownEvent, pace, type ReadEvent, type Steps, want } from './steps.ts'

/** Where the checks begin and what they build. */
export type Ground = {
  readonly rules: RoomRules
  readonly readEvent: ReadEvent
  /** The initial room state. */
  readonly base: (key: StateMapKey) => EventId | undefined
  /** What the events that were allowed have set above it. */
  readonly state: Map<StateMapKey, EventId>
}

/**
 * Applies each of a sorted list of state events to the state if the authorisation rules allow it there.
 * https://spec.matrix.org/v1.19/rooms/v2/#definitions (iterative auth checks)
 */
export function* checkIteratively(events: readonly KnownEvent[], ground: Ground): Steps<void> {
  for (let from = 0; from < events.length; from += pace) {
    const page = events.slice(from, from + pace)
    yield* want(
      ground.readEvent,
      page.flatMap((event) => stateNeeded(event.pdu, ground)),
    )
    for (const event of page) {
      const { type, state_key: stateKey } = event.pdu
      // If the state event is not allowed by the authorisation rules, then the event is ignored.
      const verdict = checkAuthRules(event.pdu, ground.rules, readerFor(event.pdu, ground), isSignedAsRequired)
      if (verdict.allowed) ground.state.set(stateMapKey(type, stateKey!), event.eventId)
    }
    yield breath
  }
}

/** The events of the initial state that the rules may ask for. */
function stateNeeded(pdu: Pdu, { rules, base }: Ground): EventId[] {
  const keys = selectAuthEvents(pdu, rules).map(([type, stateKey]) => stateMapKey(type, stateKey))
  const ids = keys.map(base).filter((eventId) => eventId !== undefined)
  return rules.roomIdIsCreateHash && pdu.room_id !== undefined ? [createIdOf(pdu.room_id), ...ids] : ids
}

function readerFor(pdu: Pdu, { rules, readEvent, base, state }: Ground): (type: string, stateKey: string) => Pdu | undefined {
  return (type, stateKey) => {
    const key = stateMapKey(type, stateKey)
    const eventId = state.get(key) ?? base(key)
    const event = eventId === undefined ? undefined : readEvent(eventId)
    if (event !== undefined) return event.pdu
    // If a (event_type, state_key) key that is required for checking the authorisation rules is not present in the state, then the
    // appropriate state event from the event's auth_events is used if the auth event is not rejected.
    if (type === 'm.room.create' && rules.roomIdIsCreateHash) return pdu.room_id && unlessRejected(readEvent(createIdOf(pdu.room_id)))
    for (const authId of authEventIdsOf(pdu)) {
      const authEvent = readEvent(authId)
      if (authEvent?.pdu.type === type && authEvent.pdu.state_key === stateKey) return unlessRejected(authEvent)
    }
    return undefined
  }
}

function unlessRejected(event: KnownEvent | undefined): Pdu | undefined {
  return event === undefined || event.rejected ? undefined : event.pdu
}

/** Signatures were verified when the event was received; one that lacks them never came this far. */
function isSignedAsRequired(): boolean {
  return true
}
