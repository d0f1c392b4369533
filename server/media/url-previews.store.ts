import { statement } from '../storage/database.ts'

export const selectPreview = statement<[urlHash: string, at: number], { expires_at: number; body: string }>(
  'SELECT expires_at, body FROM url_previews WHERE url_hash = ? AND fetched_at <= ? ORDER BY fetched_at DESC LIMIT 1',
)

export const insertPreview = statement<[urlHash: string, fetchedAt: number, expiresAt: number, body: string, mediaId: string | null]>(
  `INSERT INTO url_previews (url_hash, fetched_at, expires_at, body, media_id) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (url_hash, fetched_at) DO NOTHING`,
)

export const selectOldPreviews = statement<[before: number], { url_hash: string; fetched_at: number; media_id: string | null }>(
  'SELECT url_hash, fetched_at, media_id FROM url_previews WHERE fetched_at < ? ORDER BY fetched_at LIMIT 100',
)

export const deletePreview = statement<[urlHash: string, fetchedAt: number]>(
  'DELETE FROM url_previews WHERE url_hash = ? AND fetched_at = ?',
)
