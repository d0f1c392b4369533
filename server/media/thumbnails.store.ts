import { statement } from '../storage/database.ts'

export type ThumbnailRow = { thumbnail_hash: string; size: number; content_type: string }

export const selectThumbnail = statement<
  [contentHash: string, width: number, height: number, method: string, animated: number],
  ThumbnailRow
>(
  `SELECT thumbnail_hash, size, content_type FROM thumbnails
  WHERE content_hash = ? AND width = ? AND height = ? AND method = ? AND animated = ?`,
)

export const countThumbnails = statement<[contentHash: string], { count: number }>(
  'SELECT COUNT(*) AS count FROM thumbnails WHERE content_hash = ?',
)

export const insertThumbnail = statement<
  [
    contentHash: string,
    width: number,
    height: number,
    method: string,
    animated: number,
    thumbnailHash: string,
    size: number,
    contentType: string,
    createdAt: number,
  ]
>(
  `INSERT INTO thumbnails (content_hash, width, height, method, animated, thumbnail_hash, size, content_type, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (content_hash, width, height, method, animated) DO NOTHING`,
)

export const selectThumbnailsOf = statement<[contentHash: string], { thumbnail_hash: string }>(
  'SELECT DISTINCT thumbnail_hash FROM thumbnails WHERE content_hash = ?',
)

export const deleteThumbnails = statement<[contentHash: string]>('DELETE FROM thumbnails WHERE content_hash = ?')

/** Whether a file is somebody's, or a thumbnail of another. */
export const selectUsed = statement<[contentHash: string, again: string, andAgain: string], { used: number }>(
  `SELECT 1 AS used FROM media WHERE content_hash = ?
  UNION ALL SELECT 1 AS used FROM remote_media WHERE content_hash = ?
  UNION ALL SELECT 1 AS used FROM thumbnails WHERE thumbnail_hash = ? AND thumbnail_hash <> content_hash LIMIT 1`,
)

export const selectUsedAmong = statement<
  [contentHashes: readonly string[], again: readonly string[], andAgain: readonly string[]],
  { hash: string }
>(
  `SELECT content_hash AS hash FROM media WHERE content_hash IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  UNION SELECT content_hash AS hash FROM remote_media WHERE content_hash IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  UNION SELECT thumbnail_hash AS hash FROM thumbnails WHERE thumbnail_hash IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)
