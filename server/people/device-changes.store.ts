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
