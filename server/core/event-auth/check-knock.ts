import { allow, refuse, type Verdict } from '../verdict.ts'
import { joinRuleOf, type MemberScope, membershipOf } from './auth-scope.ts'

/** Rule "If `membership` is `knock`" (since version 7). */
export function checkKnock({ event, rules, readState, target }: MemberScope): Verdict {
  const joinRule = joinRuleOf(readState)
  // If the join_rule is anything other than knock or knock_restricted, reject.
  if (joinRule !== 'knock' && !(joinRule === 'knock_restricted' && rules.knockRestricted)) return refuse('the join rule allows no knocking')
  // If sender does not match state_key, reject.
  if (event.sender !== target) return refuse('nobody can knock for another user')
  const membership = membershipOf(readState, target)
  // If the sender's current membership is not ban, invite, or join, allow.  Otherwise, reject.
  if (membership === 'ban') return refuse('the user is banned')
  if (membership === 'invite') return refuse('the user is invited already')
  return membership === 'join' ? refuse('the user is in the room already') : allow
}
