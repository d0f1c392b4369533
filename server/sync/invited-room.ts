import type { RoomId, UserId } from '../core/ids.ts'
import { strippedText } from '../graph/client-event.ts'
import type { StateEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
const stripped = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
]

/** A room that the user is invited to, or knocks on, as JSON text: its stripped state, the invitation and whoever sent it. */
export async function invitedText({ graph }: Tools, roomId: RoomId, userId: UserId, name: 'invite_state' | 'knock_state'): Promise<string> {
  const room = await graph.room(roomId)
  if (room === undefined) return `{"${name}":{"events":[]}}`
  const events: StateEvent[] = []
  for (const type of stripped) {
    const event = room.state(type, '')
    if (event !== undefined) events.push(event)
  }
  const own = (await graph.members(roomId, [userId])).get(userId)
  if (own !== undefined) {
    const inviter = own.pdu.sender === userId ? undefined : (await graph.members(roomId, [own.pdu.sender])).get(own.pdu.sender)
    if (inviter !== undefined) events.push(inviter)
    events.push(own)
  }
  return `{"${name}":{"events":[${events.map(strippedText).join(',')}]}}`
}
