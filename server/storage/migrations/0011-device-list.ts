import type { Migration } from './migration.ts'

/** Whose devices changed last when, and whom a user signed last when. */
export const deviceList: Migration = {
  id: '0011-device-list',
  statements: [
    'CREATE TABLE device_changes (user_id TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)',
    'CREATE INDEX device_changes_by_position ON device_changes (position)',
    `CREATE TABLE signed_users (
      user_id TEXT NOT NULL,
      signed_user_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (user_id, signed_user_id)
    )`,
    'CREATE INDEX signed_users_by_position ON signed_users (user_id, position)',
  ],
}
