import type { Migration } from './migration.ts'

/** The keys of other servers, also those that a server no longer names, for its old events; and what each server said last, for those who ask us instead. */
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
      PRIMARY KEY (server_name, key_id)
    )`,
    `CREATE TABLE server_key_responses (
      server_name TEXT NOT NULL PRIMARY KEY,
      valid_until BIGINT NOT NULL,
      fetched_at BIGINT NOT NULL,
      response BLOB NOT NULL
    )`,
  ],
}
