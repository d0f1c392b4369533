import type { Migration } from './migration.ts'

/** Smaller pictures by the content they were made of; a picture that is small enough is its own thumbnail. */
export const thumbnails: Migration = {
  id: '0055-thumbnails',
  statements: [
    `CREATE TABLE thumbnails (
      content_hash TEXT NOT NULL,
      width BIGINT NOT NULL,
      height BIGINT NOT NULL,
      method TEXT NOT NULL,
      animated BIGINT NOT NULL,
      thumbnail_hash TEXT NOT NULL,
      size BIGINT NOT NULL,
      content_type TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      PRIMARY KEY (content_hash, width, height, method, animated)
    )`,
    'CREATE INDEX thumbnails_by_hash ON thumbnails (thumbnail_hash)',
  ],
}
