import { statement } from '../storage/database.ts'

type Typist = [roomId: string, userId: string]

export const upsertTyping = statement<[...Typist, expiresAt: number, row: number]>(
  `INSERT INTO typing (room_id, user_id, expires_at, position) VALUES (?, ?, ?, position_of(?))
  ON CONFLICT (room_id, user_id) DO UPDATE SET expires_at = excluded.expires_at, position = excluded.position`,
)

export const updateExpiry = statement<[expiresAt: number, ...Typist]>(
  'UPDATE typing SET expires_at = ? WHERE room_id = ? AND user_id = ? AND expires_at > 0',
)

/** Typing that ends before a time. */
export const selectEnding = statement<[...Typist, before: number], { user_id: string }>(
  'SELECT user_id FROM typing WHERE room_id = ? AND user_id = ? AND expires_at > 0 AND expires_at <= ?',
)

export const selectAllTyping = statement<[], { room_id: string; user_id: string; expires_at: number }>(
  'SELECT room_id, user_id, expires_at FROM typing WHERE expires_at > 0',
)

export const selectTypists = statement<[roomIds: readonly string[], now: number], { room_id: string; user_id: string }>(
  `SELECT t.room_id, t.user_id FROM json_each(CAST(? AS TEXT)) AS wanted JOIN typing t ON t.room_id = wanted.value
  WHERE t.expires_at > ? ORDER BY t.user_id`,
)

export const selectRoomsChanged = statement<[roomIds: readonly string[], after: number, upTo: number], { room_id: string }>(
  `SELECT DISTINCT t.room_id FROM json_each(CAST(? AS TEXT)) AS wanted JOIN typing t ON t.room_id = wanted.value
  WHERE t.position > ? AND t.position <= ?`,
)

/** What was said in rooms at positions, each room with its own, as far as nothing else was said of the same user since. */
export const selectTypingAt = statement<
  [roomIds: readonly string[], positions: readonly number[]],
  { room_id: string; user_id: string; expires_at: number }
>(
  `SELECT t.room_id, t.user_id, t.expires_at FROM json_each(CAST(? AS TEXT)) AS wanted
  JOIN json_each(CAST(? AS TEXT)) AS place ON place.key = wanted.key
  JOIN typing t ON t.room_id = wanted.value AND t.position = CAST(place.value AS BIGINT) ORDER BY t.position`,
)
