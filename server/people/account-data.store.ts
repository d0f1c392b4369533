import { statement } from '../storage/database.ts'

/** Account data; `room_id` is empty for what belongs to no room. */
export type AccountDataRow = { room_id: string; type: string; content: string; position: number }

export const selectAccountData = statement<[userId: string, roomId: string, type: string], { content: string; position: number }>(
  'SELECT content, position FROM account_data WHERE user_id = ? AND room_id = ? AND type = ?',
)

export const selectAccountDataBetween = statement<[userId: string, after: number, upTo: number], AccountDataRow>(
  'SELECT room_id, type, content, position FROM account_data WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position',
)

export const selectAccountDataOfRooms = statement<[userId: string, roomIds: readonly string[], after: number], AccountDataRow>(
  `SELECT room_id, type, content, position FROM account_data
  WHERE user_id = ? AND room_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND position <= ? ORDER BY position`,
)

export const selectAccountDataOfType = statement<[userId: string, type: string], AccountDataRow>(
  'SELECT room_id, type, content, position FROM account_data WHERE user_id = ? AND type = ?',
)

export const upsertAccountData = statement<[userId: string, roomId: string, type: string, content: string, row: number]>(
  `INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, position_of(?))
  ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position`,
)

export const selectAccountDataAt = statement<[userId: string, roomId: string, type: string, position: number], { position: number }>(
  'SELECT position FROM account_data WHERE user_id = ? AND room_id = ? AND type = ? AND position = ?',
)

export const insertAccountData = statement<[userId: string, roomId: string, type: string, content: string, row: number]>(
  'INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, position_of(?))',
)

export const deleteAccountDataOfUser = statement<[userId: string]>('DELETE FROM account_data WHERE user_id = ?')
