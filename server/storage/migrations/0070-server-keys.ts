import type { Migration } from './migration.ts'

/** The keys of other servers as they were published last; those that a server no longer names are kept, for its old events. */
export const serverKeys: Migration = {
  id: '0070-server-keys',
  statements: [
    `CREATE TABLE server_keys (
      server_name TEXT NOT NULL,
      key_id TEXT NOT NULL,
      key TEXT NOT NULL,
      until BIGINT NOT NULL,
      is_old BIGINT NOT NULL,
      fetched_at BIGINT NOT NULL,
      response BLOB NOT NULL,
      PRIMARY KEY (server_name, key_id)
    )`,
  ],
}
