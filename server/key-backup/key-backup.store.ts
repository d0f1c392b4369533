import { statement } from '../storage/database.ts'

type Version = [userId: string, version: number]
export type BackupRow = { version: number; algorithm: string; auth_data: string; etag: number; key_count: number }
export type KeyRow = { room_id: string; session_id: string; content: string }

const columns = 'version, algorithm, auth_data, etag, key_count'

/** The newest backup that was not deleted. */
export const selectCurrentBackup = statement<[userId: string], BackupRow>(
  `SELECT ${columns} FROM key_backups WHERE user_id = ? AND deleted = 0 ORDER BY version DESC LIMIT 1`,
)

export const selectBackup = statement<Version, BackupRow>(
  `SELECT ${columns} FROM key_backups WHERE user_id = ? AND version = ? AND deleted = 0`,
)

export const selectLastVersion = statement<[userId: string], { version: number }>(
  'SELECT version FROM key_backups WHERE user_id = ? ORDER BY version DESC LIMIT 1',
)

/** The backup, while its keys are those that the etag stands for. */
export const selectBackupAt = statement<[...Version, etag: number], { version: number }>(
  'SELECT version FROM key_backups WHERE user_id = ? AND version = ? AND etag = ? AND deleted = 0',
)

export const selectNewerBackup = statement<Version, { version: number }>(
  'SELECT version FROM key_backups WHERE user_id = ? AND version > ? AND deleted = 0',
)

export const insertBackup = statement<[...Version, algorithm: string, authData: string]>(
  'INSERT INTO key_backups (user_id, version, algorithm, auth_data, etag, key_count, deleted) VALUES (?, ?, ?, ?, 0, 0, 0)',
)

export const updateAuthData = statement<[authData: string, ...Version]>(
  'UPDATE key_backups SET auth_data = ? WHERE user_id = ? AND version = ?',
)

export const updateContents = statement<[etag: number, keyCount: number, ...Version]>(
  'UPDATE key_backups SET etag = ?, key_count = ? WHERE user_id = ? AND version = ?',
)

export const updateDeleted = statement<Version>('UPDATE key_backups SET deleted = 1, key_count = 0 WHERE user_id = ? AND version = ?')

export const selectKeys = statement<Version, KeyRow>(
  'SELECT room_id, session_id, content FROM backed_up_keys WHERE user_id = ? AND version = ? ORDER BY room_id, session_id',
)

export const selectKeysOfRoom = statement<[...Version, roomId: string], KeyRow>(
  'SELECT room_id, session_id, content FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ? ORDER BY session_id',
)

export const selectKey = statement<[...Version, roomId: string, sessionId: string], KeyRow>(
  'SELECT room_id, session_id, content FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ? AND session_id = ?',
)

export const selectKeysOfSessions = statement<[...Version, sessionIds: readonly string[]], KeyRow>(
  `SELECT room_id, session_id, content FROM backed_up_keys
  WHERE user_id = ? AND version = ? AND session_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const upsertKey = statement<[...Version, sessionId: string, roomId: string, content: string]>(
  `INSERT INTO backed_up_keys (user_id, version, session_id, room_id, content) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (user_id, version, session_id, room_id) DO UPDATE SET content = excluded.content`,
)

export const deleteKeys = statement<Version>('DELETE FROM backed_up_keys WHERE user_id = ? AND version = ?')

export const deleteKeysOfRoom = statement<[...Version, roomId: string]>(
  'DELETE FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ?',
)

export const deleteKey = statement<[...Version, roomId: string, sessionId: string]>(
  'DELETE FROM backed_up_keys WHERE user_id = ? AND version = ? AND room_id = ? AND session_id = ?',
)

export const deleteKeysOfUser = statement<[userId: string]>('DELETE FROM backed_up_keys WHERE user_id = ?')

export const deleteBackupsOfUser = statement<[userId: string]>('DELETE FROM key_backups WHERE user_id = ?')
