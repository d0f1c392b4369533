import type { Migration } from './migration.ts'

/** Read receipts; the thread is empty for an unthreaded one. */
export const receipts: Migration = {
  id: '0014-receipts',
  statements: [
    `CREATE TABLE receipts (
      room_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      type TEXT NOT NULL,
      thread_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      at BIGINT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (room_id, user_id, type, thread_id)
    )`,
    'CREATE INDEX receipts_by_position ON receipts (room_id, position)',
    `CREATE INDEX private_receipts ON receipts (user_id, position) WHERE type = 'm.read.private'`,
  ],
}
