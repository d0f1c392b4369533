import { eventIdOf } from '../hashes.ts'
import { isUserId } from '../ids.ts'
import type { Json } from '../json.ts'
import { prevEventIdsOf } from '../pdu.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'
import { joinRuleOf, type MemberScope, membershipOf } from './auth-scope.ts'
import { actionLevel, creatorsOf, userPower } from './power-levels.ts'

/** Rule "If `membership` is `join`". */
export function checkJoin(scope: MemberScope): Verdict {
  const { event, rules, readState, target } = scope
  // If the only previous event is an m.room.create and the state_key is the creator (since version 11: the sender of the
  // m.room.create), allow.
  if (isFirstJoin(scope)) return allow
  // If the sender does not match state_key, reject.
  if (event.sender !== target) return refuse('nobody can join for another user')
  const membership = membershipOf(readState, target)
  // If the sender is banned, reject.
  if (membership === 'ban') return refuse('the user is banned')
  const joinRule = joinRuleOf(readState)
  const isIn = membership === 'invite' || membership === 'join'
  // If the join_rule is invite or knock then allow if membership state is invite or join.
  if (joinRule === 'invite' || (joinRule === 'knock' && rules.knock)) return isIn ? allow : refuse('the user is not invited')
  // If the join_rule is restricted or knock_restricted:
  if ((joinRule === 'restricted' && rules.restrictedJoin) || (joinRule === 'knock_restricted' && rules.knockRestricted)) {
    // If membership state is join or invite, allow.
    return isIn ? allow : checkAuthoriser(scope, event.content['join_authorised_via_users_server'])
  }
  // If the join_rule is public, allow.  Otherwise, reject.
  return joinRule === 'public' ? allow : refuse('the join rule lets nobody in')
}

function isFirstJoin({ event, rules, create, target }: MemberScope): boolean {
  if (event.prev_events.length !== 1 || creatorsOf(create, rules)[0] !== target) return false
  return prevEventIdsOf(event)[0] === eventIdOf(create, rules)
}

function checkAuthoriser({ readState, power }: MemberScope, authoriser: Json | undefined): Verdict {
  // If the join_authorised_via_users_server key in content is not a user with sufficient permission to invite other users or is not a
  // joined member of the room, reject.
  if (!isUserId(authoriser)) return refuse('nobody authorises the join')
  if (membershipOf(readState, authoriser) !== 'join') return refuse('the user who authorises the join is not in the room')
  if (userPower(power, authoriser) < actionLevel(power, 'invite')) return refuse('the user who authorises the join may not invite')
  // Otherwise, allow.
  return allow
}
