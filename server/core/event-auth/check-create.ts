import { isUserId, serverNameOf } from '../ids.ts'
import type { Pdu } from '../pdu.ts'
import { type RoomRules, roomRules } from '../room-versions.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'

/** Rule 1: may this `m.room.create` begin a room? */
export function checkCreate(event: Pdu, rules: RoomRules): Verdict {
  // If it has any prev_events, reject.
  if (event.prev_events.length > 0) return refuse('the create event has prev_events')
  const { room_version: version, creator, additional_creators: additional } = event.content
  if (rules.roomIdIsCreateHash) {
    // If the event has a room_id, reject. (since version 12)
    if (event.room_id !== undefined) return refuse('the create event has a room_id')
  } else if (event.room_id?.slice(event.room_id.indexOf(':') + 1) !== serverNameOf(event.sender)) {
    // If the domain of the room_id does not match the domain of the sender, reject. (until version 11)
    return refuse('the room id is not of the server of the sender')
  }
  // If content.room_version is present and is not a recognised version, reject.
  if (version !== undefined && (typeof version !== 'string' || roomRules(version) === undefined)) {
    return refuse('the room version is not known')
  }
  // If content has no creator property, reject. (until version 10)
  if (rules.creatorInContent && creator === undefined) return refuse('the create event names no creator')
  // If additional_creators is present in content and is not an array of strings where each string passes the same user ID validation
  // applied to sender, reject. (since version 12)
  if (rules.privilegedCreators && additional !== undefined && !(Array.isArray(additional) && additional.every(isUserId))) {
    return refuse('additional_creators is not a list of user ids')
  }
  // Otherwise, allow.
  return allow
}
