import type { UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export const selectProfile = statement<[UserId], { key_name: string; value: string }>(
  'SELECT key_name, value FROM profiles WHERE user_id = ?',
)
export const upsertProfileField = statement<[UserId, string, string]>(
  `INSERT INTO profiles (user_id, key_name, value) VALUES (?, ?, ?)
   ON CONFLICT (user_id, key_name) DO UPDATE SET value = excluded.value`,
)
export const deleteProfileField = statement<[UserId, string]>('DELETE FROM profiles WHERE user_id = ? AND key_name = ?')
export const deleteProfile = statement<[string]>('DELETE FROM profiles WHERE user_id = ?')
