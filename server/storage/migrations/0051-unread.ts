import type { Migration } from './migration.ts'

/**
 * What unread counts need beside the room's counter: the events of threads and those that a redaction silenced (`counted`: the room's counter has
 * them; `unread`: they count for their thread), which thread a highlight is in and whether the room's counter lacks it (`extra`), and how far each
 * thread, or the main timeline alone, was read.
 */
export const unread: Migration = {
  id: '0051-unread',
  statements: [
    `CREATE TABLE unread_apart (
      room_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      thread_id TEXT NOT NULL,
      counted BIGINT NOT NULL,
      unread BIGINT NOT NULL,
      PRIMARY KEY (room_id, position)
    )`,
    `ALTER TABLE highlights ADD COLUMN thread_id TEXT NOT NULL DEFAULT ''`,
    'ALTER TABLE highlights ADD COLUMN extra BIGINT NOT NULL DEFAULT 0',
    'CREATE INDEX highlights_by_room ON highlights (room_id, position)',
    `CREATE TABLE thread_read_positions (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      thread_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (user_id, room_id, thread_id)
    )`,
  ],
}
