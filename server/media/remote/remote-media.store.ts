import { statement } from '../../storage/database.ts'

export type RemoteMediaRow = { content_hash: string; size: number; content_type: string; file_name: string | null; used_at: number }

export const selectRemoteMedia = statement<[serverName: string, mediaId: string], RemoteMediaRow>(
  'SELECT content_hash, size, content_type, file_name, used_at FROM remote_media WHERE server_name = ? AND media_id = ?',
)

export const upsertRemoteMedia = statement<
  [
    serverName: string,
    mediaId: string,
    contentHash: string,
    size: number,
    contentType: string,
    fileName: string | null,
    fetchedAt: number,
    usedAt: number,
  ]
>(
  `INSERT INTO remote_media (server_name, media_id, content_hash, size, content_type, file_name, fetched_at, used_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (server_name, media_id) DO UPDATE SET content_hash = excluded.content_hash, size = excluded.size,
    content_type = excluded.content_type, file_name = excluded.file_name, fetched_at = excluded.fetched_at, used_at = excluded.used_at`,
)

export const updateUsed = statement<[usedAt: number, serverName: string, mediaId: string]>(
  'UPDATE remote_media SET used_at = ? WHERE server_name = ? AND media_id = ?',
)

export const selectUnused = statement<[before: number, limit: number], { server_name: string; media_id: string; content_hash: string }>(
  'SELECT server_name, media_id, content_hash FROM remote_media WHERE used_at < ? ORDER BY used_at LIMIT ?',
)

export const deleteUnused = statement<[serverName: string, mediaId: string, before: number]>(
  'DELETE FROM remote_media WHERE server_name = ? AND media_id = ? AND used_at < ?',
)
