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

const toldAlready = `SELECT room_id FROM memberships
  WHERE user_id = outside_memberships.user_id AND room_id = outside_memberships.room_id AND event_id = outside_memberships.event_id`

/** Rooms of which something is kept that its user was not told of. */
export const selectRoomsKeptAside = statement<[], { room_id: string }>(
  `SELECT DISTINCT room_id FROM outside_memberships WHERE NOT EXISTS (${toldAlready})`,
)

export const deleteKeptAside = statement<[userId: string, roomId: string, eventId: string]>(
  `DELETE FROM outside_memberships WHERE user_id = ? AND room_id = ? AND event_id = ? AND NOT EXISTS (${toldAlready})`,
)
