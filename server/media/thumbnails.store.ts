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
