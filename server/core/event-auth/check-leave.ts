import { allow, refuse, type Verdict } from '../verdict.ts'
import { type MemberScope, membershipOf } from './auth-scope.ts'
import { actionLevel, userPower } from './power-levels.ts'

/** Rule "If `membership` is `leave`": leaving, refusing an invite, taking back a knock, kicking and unbanning. */
export function checkLeave({ event, rules, readState, power, target }: MemberScope): Verdict {
  const membership = membershipOf(readState, target)
  // If the sender matches state_key, allow if and only if that user's current membership state is invite, join, or knock.
  if (event.sender === target) {
    const mayLeave = membership === 'invite' || membership === 'join' || (rules.knock && membership === 'knock')
    return mayLeave ? allow : refuse('the user is neither in the room, nor invited, nor knocking')
  }
  // If the sender's current membership state is not join, reject.
  if (membershipOf(readState, event.sender) !== 'join') return refuse('the sender is not in the room')
  const senderPower = userPower(power, event.sender)
  // If the target user's current membership state is ban, and the sender's power level is less than the ban level, reject.
  if (membership === 'ban' && senderPower < actionLevel(power, 'ban')) return refuse('the sender may not unban')
  // If the sender's power level is greater than or equal to the kick level, and the target user's power level is less than the
  // sender's power level, allow.  Otherwise, reject.
  if (senderPower < actionLevel(power, 'kick')) return refuse('the sender may not kick')
  return userPower(power, target) < senderPower ? allow : refuse('the user has as much power as the sender')
}
