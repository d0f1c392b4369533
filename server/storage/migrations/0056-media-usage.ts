import type { Migration } from './migration.ts'

/** Bytes that a user has uploaded, by day since the epoch; day -1 is all of them. */
export const mediaUsage: Migration = {
  id: '0056-media-usage',
  statements: [
    `CREATE TABLE media_usage (
      user_id TEXT NOT NULL,
      day BIGINT NOT NULL,
      bytes BIGINT NOT NULL,
      PRIMARY KEY (user_id, day)
    )`,
    `INSERT INTO media_usage (user_id, day, bytes)
      SELECT user_id, -1, SUM(size) FROM media WHERE content_hash IS NOT NULL GROUP BY user_id`,
  ],
}
