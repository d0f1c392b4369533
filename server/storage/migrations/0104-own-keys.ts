import type { Migration } from './migration.ts'

/** The keys under which this server signs and has signed, for those who check what it signed before; `until` is when a key was used last, NULL while it is. */
export const ownKeys: Migration = {
  id: '0104-own-keys',
  statements: [
    `CREATE TABLE own_keys (
      key_id TEXT NOT NULL PRIMARY KEY,
      key TEXT NOT NULL,
      until BIGINT
    )`,
  ],
}
