import type { DeviceId, UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export type DeviceRow = { device_id: DeviceId; display_name: string | null; last_seen_ip: string | null; last_seen_at: number | null }

export const selectDevices = statement<[UserId], DeviceRow>(
  'SELECT device_id, display_name, last_seen_ip, last_seen_at FROM devices WHERE user_id = ? ORDER BY created_at, device_id',
)
export const selectDevicesOfUsers = statement<[readonly UserId[]], DeviceRow & { user_id: UserId }>(
  `SELECT user_id, device_id, display_name, last_seen_ip, last_seen_at FROM devices
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) ORDER BY user_id, created_at, device_id`,
)
export const selectDevice = statement<[UserId, DeviceId], DeviceRow>(
  'SELECT device_id, display_name, last_seen_ip, last_seen_at FROM devices WHERE user_id = ? AND device_id = ?',
)
export const insertDevice = statement<[UserId, DeviceId, string | null, number]>(
  `INSERT INTO devices (user_id, device_id, display_name, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (user_id, device_id) DO NOTHING`,
)
export const updateDeviceName = statement<[string, UserId, DeviceId]>(
  'UPDATE devices SET display_name = ? WHERE user_id = ? AND device_id = ?',
)
export const updateLastSeen = statement<[string, number, UserId, DeviceId]>(
  'UPDATE devices SET last_seen_ip = ?, last_seen_at = ? WHERE user_id = ? AND device_id = ?',
)
export const deleteDevices = statement<[UserId, readonly DeviceId[]]>(
  'DELETE FROM devices WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

export const selectDehydratedDevice = statement<[UserId], { device_id: DeviceId; device_data: string }>(
  'SELECT device_id, device_data FROM dehydrated_devices WHERE user_id = ?',
)
export const upsertDehydratedDevice = statement<[UserId, DeviceId, string]>(
  `INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES (?, ?, ?)
   ON CONFLICT (user_id) DO UPDATE SET device_id = excluded.device_id, device_data = excluded.device_data`,
)
export const deleteDehydratedDevices = statement<[UserId, readonly DeviceId[]]>(
  'DELETE FROM dehydrated_devices WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
