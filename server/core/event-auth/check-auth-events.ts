import type { Pdu } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'
import { selectAuthEvents } from './select-auth-events.ts'

/** An event that another one cites in its `auth_events`, and whether it was rejected itself. */
export type AuthEvent = { readonly pdu: Pdu; readonly rejected: boolean }

/** Rule "Considering the event's auth_events" (3 in version 12, 2 before): may these events be cited for that one? */
export function checkAuthEvents(event: Pdu, rules: RoomRules, authEvents: readonly AuthEvent[]): Verdict {
  // Rule 1 decides on the create event alone.
  if (event.type === 'm.room.create') return allow
  const selected = new Set(selectAuthEvents(event, rules).map(([type, stateKey]) => keyOf(type, stateKey)))
  const seen = new Set<string>()
  for (const { pdu, rejected } of authEvents) {
    const key = pdu.state_key === undefined ? undefined : keyOf(pdu.type, pdu.state_key)
    // If there are duplicate entries for a given type and state_key pair, reject.
    if (key !== undefined && seen.has(key)) return refuse(`auth_events cites ${pdu.type} twice`)
    // If there are entries whose type and state_key don't match those specified by the auth events selection algorithm, reject.
    // Note: since version 12, m.room.create MUST NOT be selected.
    if (key === undefined || !selected.has(key)) return refuse(`auth_events cites ${pdu.type}, which does not authorise this event`)
    // If there are entries which were themselves rejected under the checks performed on receipt of a PDU, reject.
    if (rejected) return refuse('auth_events cites a rejected event')
    // If any event in auth_events has a room_id which does not match that of the event being authorised, reject.
    if (pdu.room_id !== event.room_id) return refuse('auth_events cites an event of another room')
    seen.add(key)
  }
  // If there is no m.room.create event among the entries, reject. (until version 11)
  if (!rules.roomIdIsCreateHash && !seen.has(keyOf('m.room.create', ''))) return refuse('auth_events cites no m.room.create')
  return allow
}

function keyOf(type: string, stateKey: string): string {
  return JSON.stringify([type, stateKey])
}
