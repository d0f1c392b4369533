import { statement } from '../../storage/database.ts'

export type OutsideRow = {
  user_id: string
  room_id: string
  event_id: string
  room_version: string
  servers: string
  state: Uint8Array
  json: Uint8Array
}

export const selectOutside = statement<[userId: string, roomId: string], OutsideRow>(
  'SELECT user_id, room_id, event_id, room_version, servers, state, json FROM outside_memberships WHERE user_id = ? AND room_id = ?',
)

export const selectOutsideOfRoom = statement<[roomId: string], { user_id: string; event_id: string; json: Uint8Array }>(
  'SELECT user_id, event_id, json FROM outside_memberships WHERE room_id = ?',
)

export const upsertOutside = statement<
  [userId: string, roomId: string, eventId: string, version: string, servers: string, state: Uint8Array, json: Uint8Array]
>(
  `INSERT INTO outside_memberships (user_id, room_id, event_id, room_version, servers, state, json) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (user_id, room_id) DO UPDATE SET event_id = excluded.event_id, room_version = excluded.room_version, servers = excluded.servers,
    state = excluded.state, json = excluded.json`,
)

export const deleteOutside = statement<[userId: string, roomId: string]>(
  'DELETE FROM outside_memberships WHERE user_id = ? AND room_id = ?',
)

export const selectStanding = statement<[userId: string, roomId: string, eventId: string], { room_id: string }>(
  'SELECT room_id FROM memberships WHERE user_id = ? AND room_id = ? AND event_id = ?',
)

export const selectJoined = statement<[userId: string, roomId: string], { room_id: string }>(
  `SELECT room_id FROM memberships WHERE user_id = ? AND room_id = ? AND membership = 'join'`,
)
