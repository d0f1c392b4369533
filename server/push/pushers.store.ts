import { statement } from '../storage/database.ts'
import type { LeaseStatements } from '../storage/lease.ts'

export type PusherRow = {
  user_id: string
  app_id: string
  pushkey: string
  device_id: string | null
  enabled: number
  description: string
  changed_at: number
}
type Key = [userId: string, appId: string, pushkey: string]

const columns = 'user_id, app_id, pushkey, device_id, enabled, description, changed_at'

export const selectPushers = statement<[userId: string], PusherRow>(
  `SELECT ${columns} FROM pushers WHERE user_id = ? ORDER BY changed_at, app_id, pushkey`,
)
export const selectPusher = statement<Key, PusherRow>(`SELECT ${columns} FROM pushers WHERE user_id = ? AND app_id = ? AND pushkey = ?`)
export const selectAllPushers = statement<[], PusherRow>(`SELECT ${columns} FROM pushers`)
export const selectPushersOfKey = statement<[appId: string, pushkey: string], { user_id: string }>(
  'SELECT user_id FROM pushers WHERE app_id = ? AND pushkey = ?',
)
export const selectPushersOfDevice = statement<[userId: string, deviceId: string], { app_id: string; pushkey: string }>(
  'SELECT app_id, pushkey FROM pushers WHERE user_id = ? AND device_id = ?',
)
export const upsertPusher = statement<[...Key, deviceId: string | null, enabled: number, description: string, changedAt: number]>(
  `INSERT INTO pushers (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, enabled = excluded.enabled,
    description = excluded.description, changed_at = excluded.changed_at`,
)
export const deletePushersOfUser = statement<[userId: string]>('DELETE FROM pushers WHERE user_id = ?')
export const deletePushesOfUser = statement<[userId: string]>('DELETE FROM push_queue WHERE user_id = ?')
export const deletePusher = statement<Key>('DELETE FROM pushers WHERE user_id = ? AND app_id = ? AND pushkey = ?')

export type QueuedRow = { position: number; event_id: string; actions: string; at: number }

export const insertPush = statement<[...Key, position: number, eventId: string, actions: string, at: number]>(
  `INSERT INTO push_queue (user_id, app_id, pushkey, position, event_id, actions, at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
)
export const selectPushes = statement<[...Key, limit: number], QueuedRow>(
  `SELECT position, event_id, actions, at FROM push_queue WHERE user_id = ? AND app_id = ? AND pushkey = ? ORDER BY position LIMIT ?`,
)
export const deletePushes = statement<[...Key, upTo: number]>(
  'DELETE FROM push_queue WHERE user_id = ? AND app_id = ? AND pushkey = ? AND position <= ?',
)
export const deleteAllPushes = statement<Key>('DELETE FROM push_queue WHERE user_id = ? AND app_id = ? AND pushkey = ?')

export const insertReader = statement<[name: string, position: number]>(
  `INSERT INTO push_readers (name, position, holder, fence, beat) VALUES (?, ?, '', 0, 0) ON CONFLICT DO NOTHING`,
)
export const selectReader = statement<[name: string], { position: number; holder: string; fence: number; beat: number }>(
  'SELECT position, holder, fence, beat FROM push_readers WHERE name = ?',
)
export const updatePosition = statement<[position: number, name: string]>('UPDATE push_readers SET position = ? WHERE name = ?')

export const leaseRows: LeaseStatements = {
  select: selectReader,
  unmoved: statement<[name: string, fence: number, beat: number], { fence: number }>(
    'SELECT fence FROM push_readers WHERE name = ? AND fence = ? AND beat = ?',
  ),
  held: statement<[name: string, fence: number], { fence: number }>('SELECT fence FROM push_readers WHERE name = ? AND fence = ?'),
  take: statement<[holder: string, name: string]>('UPDATE push_readers SET holder = ?, fence = fence + 1, beat = beat + 1 WHERE name = ?'),
  beat: statement<[name: string]>('UPDATE push_readers SET beat = beat + 1 WHERE name = ?'),
  release: statement<[name: string]>(`UPDATE push_readers SET holder = '' WHERE name = ?`),
}
