import type { Migration } from './migration.ts'

/** What other servers hear of users' devices, one row for each change of one of them; the newest of each user. */
export const deviceUpdates: Migration = {
  id: '0085-device-updates',
  statements: [
    `CREATE TABLE device_updates (
      position BIGINT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      previous BIGINT
    )`,
    'CREATE INDEX device_updates_by_user ON device_updates (user_id, position)',
  ],
}
