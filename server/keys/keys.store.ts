import type { DeviceId, UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

type Device = [userId: string, deviceId: string]
export type ClaimedRow = { user_id: UserId; device_id: DeviceId; algorithm: string; key_id: string; content: string }
export type OneTimeKeyRow = { key_id: string; content: string }

export const selectDeviceKeys = statement<Device, { content: string }>(
  'SELECT content FROM device_keys WHERE user_id = ? AND device_id = ?',
)

export const selectDeviceKeysOfUsers = statement<[userIds: readonly string[]], { user_id: string; device_id: string; content: string }>(
  `SELECT user_id, device_id, content FROM device_keys
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) ORDER BY user_id, device_id`,
)

export const selectSameDeviceKeys = statement<[...Device, content: string], { device_id: string }>(
  'SELECT device_id FROM device_keys WHERE user_id = ? AND device_id = ? AND content = ?',
)

export const insertDeviceKeys = statement<[...Device, content: string]>(
  'INSERT INTO device_keys (user_id, device_id, content) VALUES (?, ?, ?)',
)

export const updateDeviceKeys = statement<[content: string, ...Device]>(
  'UPDATE device_keys SET content = ? WHERE user_id = ? AND device_id = ?',
)

export const deleteDeviceKeys = statement<Device>('DELETE FROM device_keys WHERE user_id = ? AND device_id = ?')

export const selectOneTimeKeys = statement<[...Device, keyIds: readonly string[]], OneTimeKeyRow>(
  `SELECT key_id, content FROM one_time_keys
  WHERE user_id = ? AND device_id = ? AND key_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const insertOneTimeKey = statement<[...Device, keyId: string, algorithm: string, content: string, row: number, place: number]>(
  `INSERT INTO one_time_keys (user_id, device_id, key_id, algorithm, content, position, place)
  VALUES (?, ?, ?, ?, ?, position_of(?), ?)`,
)

export const deleteOneTimeKeys = statement<Device>('DELETE FROM one_time_keys WHERE user_id = ? AND device_id = ?')

/** The oldest key that nobody claimed becomes the claimer's. Of two that try at once, the one that comes second finds it claimed. */
export const claimOneTimeKey = statement<[...Device, ...Device, algorithm: string], ClaimedRow>(
  `UPDATE one_time_keys SET claimed_by = '' WHERE user_id = ? AND device_id = ? AND claimed_by IS NULL AND key_id = (
    SELECT key_id FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ? AND claimed_by IS NULL
    ORDER BY position, place LIMIT 1) RETURNING user_id, device_id, algorithm, key_id, content`,
)

export const selectUnclaimed = statement<[...Device, algorithm: string], { key_id: string }>(
  'SELECT key_id FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ? AND claimed_by IS NULL LIMIT 1',
)

export const selectKeyCounts = statement<Device, { algorithm: string; count: number }>(
  `SELECT algorithm, COUNT(*) AS count FROM one_time_keys
  WHERE user_id = ? AND device_id = ? AND claimed_by IS NULL GROUP BY algorithm`,
)

export const selectFallbackKeys = statement<Device, { algorithm: string; key_id: string; content: string; used: number }>(
  'SELECT algorithm, key_id, content, used FROM fallback_keys WHERE user_id = ? AND device_id = ? ORDER BY algorithm',
)

export const upsertFallbackKey = statement<[...Device, algorithm: string, keyId: string, content: string]>(
  `INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, content, used) VALUES (?, ?, ?, ?, ?, 0)
  ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, content = excluded.content, used = 0`,
)

export const updateFallbackKeyUsed = statement<[...Device, algorithm: string, keyId: string]>(
  'UPDATE fallback_keys SET used = 1 WHERE user_id = ? AND device_id = ? AND algorithm = ? AND key_id = ?',
)

export const deleteFallbackKeys = statement<Device>('DELETE FROM fallback_keys WHERE user_id = ? AND device_id = ?')
