import type { Migration } from './migration.ts'

/**
 * Users of other servers whose devices are kept here, beside those of this server's users: as of what their server gave the list, what it told of last,
 * since when somebody here shares a room with them, and whether something was missed (counted, so that an answer asked for before it is known to be
 * too old).
 */
export const remoteDeviceLists: Migration = {
  id: '0086-remote-device-lists',
  statements: [
    `CREATE TABLE remote_device_lists (
      user_id TEXT NOT NULL PRIMARY KEY,
      stream_id BIGINT,
      seen_id BIGINT,
      shared_at BIGINT NOT NULL,
      stale BIGINT NOT NULL,
      failures BIGINT NOT NULL,
      retry_at BIGINT NOT NULL
    )`,
    'CREATE INDEX remote_device_lists_stale ON remote_device_lists (retry_at) WHERE stale > 0',
  ],
}
