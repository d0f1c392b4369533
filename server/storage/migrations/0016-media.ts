import type { Migration } from './migration.ts'

/** Media by their ids; the bytes lie in files named by their hash. Without a hash the upload is still awaited, until `expires_at`. */
export const media: Migration = {
  id: '0016-media',
  statements: [
    `CREATE TABLE media (
      media_id TEXT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL,
      content_hash TEXT,
      size BIGINT NOT NULL,
      content_type TEXT NOT NULL,
      file_name TEXT,
      created_at BIGINT NOT NULL,
      expires_at BIGINT
    )`,
    'CREATE INDEX media_by_hash ON media (content_hash)',
    'CREATE INDEX media_awaited ON media (user_id, expires_at) WHERE content_hash IS NULL',
  ],
}
