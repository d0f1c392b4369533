import type { Migration } from './migration.ts'

/** Files of other servers that are kept here for a while, by what their servers call them; the bytes lie where those of this server's files do. */
export const remoteMedia: Migration = {
  id: '0088-remote-media',
  statements: [
    `CREATE TABLE remote_media (
      server_name TEXT NOT NULL,
      media_id TEXT NOT NULL,
      content_hash TEXT NOT NULL,
      size BIGINT NOT NULL,
      content_type TEXT NOT NULL,
      file_name TEXT,
      fetched_at BIGINT NOT NULL,
      used_at BIGINT NOT NULL,
      PRIMARY KEY (server_name, media_id)
    )`,
    'CREATE INDEX remote_media_by_hash ON remote_media (content_hash)',
    'CREATE INDEX remote_media_by_use ON remote_media (used_at)',
  ],
}
