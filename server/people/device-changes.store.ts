import { statement } from '../storage/database.ts'

export const upsertDeviceChange = statement<[userId: string, row: number]>(
  `INSERT INTO device_changes (user_id, position) VALUES (?, position_of(?))
  ON CONFLICT (user_id) DO UPDATE SET position = excluded.position`,
)

export const selectDeviceChanges = statement<[after: number, upTo: number], { user_id: string; position: number }>(
  'SELECT user_id, position FROM device_changes WHERE position > ? AND position <= ?',
)

export const selectLastDeviceChanges = statement<[userIds: readonly string[]], { user_id: string; position: number }>(
  'SELECT user_id, position FROM device_changes WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

export const upsertSignedUser = statement<[userId: string, signedUserId: string, row: number]>(
  `INSERT INTO signed_users (user_id, signed_user_id, position) VALUES (?, ?, position_of(?))
  ON CONFLICT (user_id, signed_user_id) DO UPDATE SET position = excluded.position`,
)

export const selectSignedUsers = statement<[userId: string, after: number, upTo: number], { signed_user_id: string }>(
  'SELECT signed_user_id FROM signed_users WHERE user_id = ? AND position > ? AND position <= ?',
)

export type UpdateRow = { user_id: string; position: number; device_id: string; previous: number | null }

export const insertDeviceUpdate = statement<[userId: string, row: number, deviceId: string, same: string]>(
  `INSERT INTO device_updates (user_id, position, device_id, previous) VALUES (?, position_of(?), ?,
    (SELECT MAX(position) FROM device_updates WHERE user_id = ? AND device_id <> ''))`,
)

/** Whoever missed one that is gone sees the gap in the next, and asks for the whole list. */
export const deleteOldDeviceUpdates = statement<[userId: string, same: string]>(
  `DELETE FROM device_updates WHERE user_id = ? AND position < (
    SELECT position FROM device_updates WHERE user_id = ? ORDER BY position DESC LIMIT 1 OFFSET 99)`,
)

export const selectDeviceUpdates = statement<[positions: readonly number[]], UpdateRow>(
  `SELECT user_id, position, device_id, previous FROM device_updates
  WHERE position IN (SELECT CAST(value AS BIGINT) FROM json_each(CAST(? AS TEXT))) ORDER BY position`,
)

export const selectLastDeviceUpdates = statement<[userIds: readonly string[]], UpdateRow>(
  `SELECT u.user_id, u.position, u.device_id, u.previous FROM json_each(CAST(? AS TEXT)) AS wanted
  JOIN device_updates u ON u.position = (
    SELECT MAX(position) FROM device_updates WHERE user_id = wanted.value AND device_id <> '')`,
)
