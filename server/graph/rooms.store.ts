import { statement } from '../storage/database.ts'

/** The head of a room. */
export type RoomRow = {
  version: number
  room_version: string
  state_group: string
  extremities: string
  depth: number
  position: number
  notifying: number
}

export const selectRoom = statement<[roomId: string], RoomRow>(
  'SELECT version, room_version, state_group, extremities, depth, position, notifying FROM rooms WHERE room_id = ?',
)

export const selectChangedRooms = statement<[roomIds: readonly string[], after: number], { room_id: string }>(
  'SELECT room_id FROM rooms WHERE room_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND position > ?',
)

export const insertRoom = statement<
  [
    roomId: string,
    roomVersion: string,
    stateGroup: string,
    extremities: readonly string[],
    depth: number,
    positionOf: number,
    notifying: number,
  ]
>(
  `INSERT INTO rooms (room_id, version, room_version, state_group, extremities, depth, position, notifying)
  VALUES (?, 1, ?, ?, ?, ?, position_of(?), ?)`,
)

export const updateRoom = statement<
  [
    version: number,
    stateGroup: string,
    extremities: readonly string[],
    depth: number,
    positionOf: number,
    notifying: number,
    roomId: string,
  ]
>('UPDATE rooms SET version = ?, state_group = ?, extremities = ?, depth = ?, position = position_of(?), notifying = ? WHERE room_id = ?')
