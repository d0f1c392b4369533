import type { Migration } from './migration.ts'

/** What was told of a page, by the hash of its address and the time when it was fetched. Its picture is a file of nobody's (no user id). */
export const urlPreviews: Migration = {
  id: '0057-url-previews',
  statements: [
    `CREATE TABLE url_previews (
      url_hash TEXT NOT NULL,
      fetched_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL,
      body TEXT NOT NULL,
      media_id TEXT,
      PRIMARY KEY (url_hash, fetched_at)
    )`,
    'CREATE INDEX url_previews_by_age ON url_previews (fetched_at)',
  ],
}
