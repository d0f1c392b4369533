import type { Migration } from './migration.ts'

/** Versions of the backups of room keys, and the keys in them. A deleted version stays as a row, so that its number is never given again. */
export const keyBackup: Migration = {
  id: '0030-key-backup',
  statements: [
    `CREATE TABLE key_backups (
      user_id TEXT NOT NULL,
      version BIGINT NOT NULL,
      algorithm TEXT NOT NULL,
      auth_data TEXT NOT NULL,
      etag BIGINT NOT NULL,
      key_count BIGINT NOT NULL,
      deleted BIGINT NOT NULL,
      PRIMARY KEY (user_id, version)
    )`,
    `CREATE TABLE backed_up_keys (
      user_id TEXT NOT NULL,
      version BIGINT NOT NULL,
      session_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      content TEXT NOT NULL,
      PRIMARY KEY (user_id, version, session_id, room_id)
    )`,
    'CREATE INDEX backed_up_keys_by_room ON backed_up_keys (user_id, version, room_id)',
  ],
}
