import type { Migration } from './migration.ts'

/** Events that are to be sent later, each until it is sent or cancelled. */
export const delayedEvents: Migration = {
  id: '0050-delayed-events',
  statements: [
    `CREATE TABLE delayed_events (
      delay_id TEXT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT,
      redacts TEXT,
      content TEXT NOT NULL,
      delay BIGINT NOT NULL,
      created_at BIGINT NOT NULL,
      running_since BIGINT NOT NULL,
      send_at BIGINT NOT NULL,
      transaction_key TEXT
    )`,
    'CREATE INDEX delayed_events_by_time ON delayed_events (send_at)',
    'CREATE INDEX delayed_events_by_user ON delayed_events (user_id, send_at)',
    'CREATE UNIQUE INDEX delayed_events_by_transaction ON delayed_events (transaction_key)',
  ],
}
