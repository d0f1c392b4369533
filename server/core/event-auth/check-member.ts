import { isUserId, serverNameOf } from '../ids.ts'
import { refuse, type Verdict } from '../verdict.ts'
import type { AuthScope } from './auth-scope.ts'
import { checkBan } from './check-ban.ts'
import { checkInvite } from './check-invite.ts'
import { checkJoin } from './check-join.ts'
import { checkKnock } from './check-knock.ts'
import { checkLeave } from './check-leave.ts'

/** Rule "If type is `m.room.member`". */
export function checkMember(scope: AuthScope): Verdict {
  const { event, rules, isSignedBy } = scope
  const { membership, join_authorised_via_users_server: authoriser } = event.content
  // If there is no state_key property, or no membership property in content, reject.
  if (event.state_key === undefined) return refuse('a membership event needs a state key')
  if (membership === undefined) return refuse('a membership event needs a membership')
  if (!isUserId(event.state_key)) return refuse('the state key of a membership event is not a user id')
  // If content has a join_authorised_via_users_server key: If the event is not validly signed by the homeserver of the user ID denoted
  // by the key, reject. (since version 8)
  if (rules.restrictedJoin && authoriser !== undefined && !(isUserId(authoriser) && isSignedBy(serverNameOf(authoriser)))) {
    return refuse('the server of the user who authorises the join has not signed')
  }
  const member = { ...scope, target: event.state_key }
  switch (membership) {
    case 'join':
      return checkJoin(member)
    case 'invite':
      return checkInvite(member)
    case 'leave':
      return checkLeave(member)
    case 'ban':
      return checkBan(member)
    case 'knock':
      return rules.knock ? checkKnock(member) : refuse('this room version knows no knocking')
    default:
      // Otherwise, the membership is unknown. Reject.
      return refuse('the membership is unknown')
  }
}
