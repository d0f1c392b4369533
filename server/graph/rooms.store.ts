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

export const selectExtremities = statement<[eventIds: readonly string[]], { event_id: string; json: Uint8Array }>(
  'SELECT event_id, json FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
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

export const selectRoomPositions = statement<[roomIds: readonly string[]], { room_id: string; position: number }>(
  'SELECT room_id, position FROM rooms WHERE room_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

/** For each room the newest of its events that count as activity; those types stand in `activity.ts` too. */
export const selectBumps = statement<[upTo: number, roomIds: readonly string[]], { room_id: string; position: number | null }>(
  `SELECT wanted.value AS room_id, (SELECT e.position FROM events e
    WHERE e.room_id = wanted.value AND e.position <= ? AND e.rejected = 0 AND e.soft_failed = 0 AND e.type IN (
      'm.room.create', 'm.room.message', 'm.room.encrypted', 'm.sticker', 'm.call.invite', 'm.poll.start', 'org.matrix.msc3381.poll.start',
      'm.beacon_info', 'org.matrix.msc3672.beacon_info')
    ORDER BY e.position DESC LIMIT 1) AS position
  FROM json_each(CAST(? AS TEXT)) AS wanted`,
)

export const selectCreateEvents = statement<[roomIds: readonly string[]], { room_id: string; json: Uint8Array }>(
  `SELECT c.room_id, e.json FROM current_state c JOIN events e ON e.event_id = c.event_id
  WHERE c.room_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND c.type = 'm.room.create' AND c.state_key = ''`,
)

export const selectEncryptedRooms = statement<[roomIds: readonly string[]], { room_id: string }>(
  `SELECT room_id FROM current_state
  WHERE room_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND type = 'm.room.encryption' AND state_key = ''`,
)
