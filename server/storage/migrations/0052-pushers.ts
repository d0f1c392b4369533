import type { Migration } from './migration.ts'

/** Pushers, what waits to be pushed to each, and how far the log was looked through for it. */
export const pushers: Migration = {
  id: '0052-pushers',
  statements: [
    `CREATE TABLE pushers (
      user_id TEXT NOT NULL,
      app_id TEXT NOT NULL,
      pushkey TEXT NOT NULL,
      device_id TEXT,
      enabled BIGINT NOT NULL,
      description TEXT NOT NULL,
      changed_at BIGINT NOT NULL,
      PRIMARY KEY (user_id, app_id, pushkey)
    )`,
    'CREATE INDEX pushers_by_key ON pushers (app_id, pushkey)',
    `CREATE TABLE push_queue (
      user_id TEXT NOT NULL,
      app_id TEXT NOT NULL,
      pushkey TEXT NOT NULL,
      position BIGINT NOT NULL,
      event_id TEXT NOT NULL,
      actions TEXT NOT NULL,
      at BIGINT NOT NULL,
      PRIMARY KEY (user_id, app_id, pushkey, position)
    )`,
    // `fence` counts who held the work so far; `beat` moves as long as the holder lives.
    `CREATE TABLE push_readers (
      name TEXT NOT NULL PRIMARY KEY,
      position BIGINT NOT NULL,
      holder TEXT NOT NULL,
      fence BIGINT NOT NULL,
      beat BIGINT NOT NULL
    )`,
  ],
}
