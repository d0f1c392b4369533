import { isRoomId, type RoomId } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'

/** The rooms whose members may join a restricted one, as its join rules name them. https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms */
export function allowedRooms(joinRules: JsonObject | undefined): RoomId[] {
  const allow = Array.isArray(joinRules?.['allow']) ? joinRules['allow'] : []
  const rooms: RoomId[] = []
  for (const condition of allow) {
    if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') continue
    if (isRoomId(condition['room_id'])) rooms.push(condition['room_id'])
  }
  return rooms
}
