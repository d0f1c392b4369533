import { allow, refuse, type Verdict } from '../verdict.ts'
import { type MemberScope, membershipOf } from './auth-scope.ts'
import { actionLevel, userPower } from './power-levels.ts'

/** Rule "If `membership` is `ban`". */
export function checkBan({ event, readState, power, target }: MemberScope): Verdict {
  // If the sender's current membership state is not join, reject.
  if (membershipOf(readState, event.sender) !== 'join') return refuse('the sender is not in the room')
  const senderPower = userPower(power, event.sender)
  // If the sender's power level is greater than or equal to the ban level, and the target user's power level is less than the
  // sender's power level, allow.  Otherwise, reject.
  if (senderPower < actionLevel(power, 'ban')) return refuse('the sender may not ban')
  return userPower(power, target) < senderPower ? allow : refuse('the user has as much power as the sender')
}
