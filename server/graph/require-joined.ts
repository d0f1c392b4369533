import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import type { Graph, RoomView } from './graph.ts'

/** The room of a path, which the user must be joined to. Throws `M_INVALID_PARAM` for what is no room id, `M_FORBIDDEN` for anyone else's room. */
export async function requireJoined(
  graph: Pick<Graph, 'room' | 'freshRoom'>,
  roomId: string | undefined,
  userId: UserId,
): Promise<RoomView> {
  if (!isRoomId(roomId)) throw invalidParam('this is not a room id')
  const room = joined(await graph.room(roomId), userId) ?? joined(await graph.freshRoom(roomId as RoomId), userId)
  if (!room) throw forbidden('not in this room')
  return room
}

function joined(room: RoomView | undefined, userId: UserId): RoomView | undefined {
  return room?.membership(userId) === 'join' ? room : undefined
}
