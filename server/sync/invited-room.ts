import type { RoomId, UserId } from '../core/ids.ts'
import { strippedStateText } from '../graph/client-event.ts'
import type { Tools } from '../slice.ts'

/** A room that the user is invited to, or knocks on, as JSON text. */
export async function invitedText({ graph }: Tools, roomId: RoomId, userId: UserId, name: 'invite_state' | 'knock_state'): Promise<string> {
  return `{"${name}":{"events":${await strippedStateText(graph, roomId, userId)}}}`
}
