import type { RoomId, UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { stateEventText } from '../client-event.ts'
import type { MembershipName, StateEvent, StateText } from '../graph.ts'

const end = '0}}'

/** A state event as text; what follows its text is its age and two braces. */
export function stateTextOf(event: StateEvent, roomId: RoomId): StateText {
  const { pdu, eventId } = event
  const sentAt = Number(pdu.origin_server_ts)
  const open = stateEventText(event, roomId, sentAt).slice(0, -end.length)
  if (pdu.type !== 'm.room.member') return { eventId, sentAt, open, membership: undefined, profile: '' }
  const membership = pdu.content['membership'] as MembershipName
  return { eventId, sentAt, open, membership, profile: membership === 'join' ? profileText(pdu.state_key as UserId, pdu.content) : '' }
}

/** Events in the client-server format, with their age now: JSON text, commas between. */
export function listText(texts: readonly StateText[], now: number): string {
  let list = ''
  for (const { open, sentAt } of texts) list += `${list === '' ? '' : ','}${open}${now - sentAt}}}`
  return list
}

function profileText(userId: UserId, { displayname, avatar_url }: JsonObject): string {
  const profile = {
    ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  }
  return `${JSON.stringify(userId)}:${JSON.stringify(profile)}`
}
