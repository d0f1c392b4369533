import { statement } from '../storage/database.ts'

export type MediaRow = {
  user_id: string
  content_hash: string | null
  size: number
  content_type: string
  file_name: string | null
  expires_at: number | null
}

export const selectMedia = statement<[mediaId: string], MediaRow>(
  'SELECT user_id, content_hash, size, content_type, file_name, expires_at FROM media WHERE media_id = ?',
)

export const insertMedia = statement<
  [mediaId: string, userId: string, contentHash: string, size: number, contentType: string, fileName: string | null, createdAt: number]
>(`INSERT INTO media (media_id, user_id, content_hash, size, content_type, file_name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`)

export const insertAwaited = statement<[mediaId: string, userId: string, createdAt: number, expiresAt: number]>(
  `INSERT INTO media (media_id, user_id, size, content_type, created_at, expires_at) VALUES (?, ?, 0, '', ?, ?)`,
)

export const selectAwaited = statement<[mediaId: string], { user_id: string }>(
  'SELECT user_id FROM media WHERE media_id = ? AND content_hash IS NULL',
)

export const updateAwaited = statement<[contentHash: string, size: number, contentType: string, fileName: string | null, mediaId: string]>(
  `UPDATE media SET content_hash = ?, size = ?, content_type = ?, file_name = ?, expires_at = NULL
  WHERE media_id = ? AND content_hash IS NULL`,
)

export const countAwaited = statement<[userId: string, now: number], { count: number }>(
  'SELECT COUNT(*) AS count FROM media WHERE user_id = ? AND expires_at > ? AND content_hash IS NULL',
)

export const deleteExpired = statement<[userId: string, now: number]>(
  'DELETE FROM media WHERE user_id = ? AND expires_at <= ? AND content_hash IS NULL',
)

export const selectUsage = statement<[userId: string, day: number], { day: number; bytes: number }>(
  'SELECT day, bytes FROM media_usage WHERE user_id = ? AND (day = -1 OR day = ?)',
)

export const selectOverQuota = statement<[userId: string, day: number, size: number, limit: number], { bytes: number }>(
  'SELECT bytes FROM media_usage WHERE user_id = ? AND day = ? AND bytes + ? > ?',
)

export const addUsage = statement<[userId: string, day: number, bytes: number]>(
  `INSERT INTO media_usage (user_id, day, bytes) VALUES (?, ?, ?)
  ON CONFLICT (user_id, day) DO UPDATE SET bytes = media_usage.bytes + excluded.bytes`,
)

export const deleteAllExpired = statement<[now: number]>('DELETE FROM media WHERE content_hash IS NULL AND expires_at <= ?')

export const deleteMedia = statement<[mediaId: string]>('DELETE FROM media WHERE media_id = ?')
