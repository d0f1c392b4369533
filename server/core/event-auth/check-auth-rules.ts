import { eventIdOf } from '../hashes.ts'
import { type EventId, eventIdDomain, serverNameOf } from '../ids.ts'
import { isState, type Pdu, type ReadState } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'
import { type AuthScope, type IsSignedBy, membershipOf } from './auth-scope.ts'
import { checkCreate } from './check-create.ts'
import { checkMember } from './check-member.ts'
import { checkPowerLevels } from './check-power-levels.ts'
import { actionLevel, powerScope, requiredLevel, userPower } from './power-levels.ts'

/**
 * Judges an event by a state of its room, under the authorisation rules of its room version. The rule about the events that it cites in
 * `auth_events` is `checkAuthEvents`. `readState` must not hand out rejected create events; `isSignedBy` tells whose signatures the caller
 * found valid, and matters for restricted joins alone.
 * https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules and those of each room version.
 */
export function checkAuthRules(event: Pdu, rules: RoomRules, readState: ReadState, isSignedBy: IsSignedBy = signedByNobody): Verdict {
  // If type is m.room.create: …
  if (event.type === 'm.room.create') return checkCreate(event, rules)
  const create = readState('m.room.create', '')
  if (create === undefined) return refuse('the room has no create event')
  // If the event's room_id is not an event ID for an accepted (not rejected) m.room.create event, with the sigil ! instead of $,
  // reject. (since version 12)
  if (rules.roomIdIsCreateHash && event.room_id?.slice(1) !== createIdOf(create, rules).slice(1)) {
    return refuse('the room id is not that of the create event')
  }
  // If the content of the m.room.create event in the room state has the property m.federate set to false, and the sender domain of the
  // event does not match the sender domain of the create event, reject.
  if (create.content['m.federate'] === false && serverNameOf(event.sender) !== serverNameOf(create.sender)) {
    return refuse('the room does not federate')
  }
  return checkByType({ event, rules, readState, create, power: powerScope(readState, rules), isSignedBy })
}

function checkByType(scope: AuthScope): Verdict {
  const { event, rules, readState, power } = scope
  // If type is m.room.aliases: … (until version 5)
  if (rules.aliasesRule && event.type === 'm.room.aliases') return checkAliases(event)
  // If type is m.room.member: …
  if (event.type === 'm.room.member') return checkMember(scope)
  // If the sender's current membership state is not join, reject.
  if (membershipOf(readState, event.sender) !== 'join') return refuse('the sender is not in the room')
  const senderPower = userPower(power, event.sender)
  // If type is m.room.third_party_invite: Allow if and only if sender's current power level is greater than or equal to the invite level.
  if (event.type === 'm.room.third_party_invite') {
    return senderPower >= actionLevel(power, 'invite') ? allow : refuse('the sender may not invite')
  }
  // If the event type's required power level is greater than the sender's power level, reject.
  if (requiredLevel(power, event.type, isState(event)) > senderPower) return refuse(`the sender has not the power to send ${event.type}`)
  // If the event has a state_key that starts with an @ and does not match the sender, reject.
  if (event.state_key?.startsWith('@') && event.state_key !== event.sender) return refuse('the state key is that of another user')
  // If type is m.room.power_levels: …
  if (event.type === 'm.room.power_levels') return checkPowerLevels(scope)
  // If type is m.room.redaction: … (until version 2)
  if (rules.redactionRule && event.type === 'm.room.redaction') return checkRedaction(scope, senderPower)
  // Otherwise, allow.
  return allow
}

function checkAliases(event: Pdu): Verdict {
  // If event has no state_key, reject.
  if (event.state_key === undefined) return refuse('an aliases event needs a state key')
  // If sender's domain doesn't match state_key, reject.  Otherwise, allow.
  return event.state_key === serverNameOf(event.sender) ? allow : refuse('the aliases are those of another server')
}

function checkRedaction({ event, power }: AuthScope, senderPower: number): Verdict {
  // If the sender's power level is greater than or equal to the redact level, allow.
  if (senderPower >= actionLevel(power, 'redact')) return allow
  // If the domain of the event_id of the event being redacted is the same as the domain of the event_id of the m.room.redaction, allow.
  const domain = eventIdDomain(event.event_id)
  // Otherwise, reject.
  return domain !== undefined && domain === eventIdDomain(event.redacts) ? allow : refuse('the sender may not redact this event')
}

const createIds = new WeakMap<Pdu, EventId>()

/** A room's create event is asked for at every event of the room; its hash is taken once. */
function createIdOf(create: Pdu, rules: RoomRules): EventId {
  const known = createIds.get(create)
  if (known !== undefined) return known
  const id = eventIdOf(create, rules)
  createIds.set(create, id)
  return id
}

function signedByNobody(): boolean {
  return false
}
