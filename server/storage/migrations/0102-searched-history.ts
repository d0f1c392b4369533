import type { Migration } from './migration.ts'

/**
 * History that other servers gave can be searched. The log tells of each such event; of those that were here before, it is told now. `history` says of
 * which rooms there is any in the index.
 */
export const searchedHistory: Migration = {
  id: '0102-searched-history',
  statements: [
    'ALTER TABLE search_rooms ADD COLUMN history BIGINT',
    // The counter first: its row's lock keeps others from writing meanwhile.
    `UPDATE positions SET position = position + (SELECT COUNT(*) FROM events WHERE position IS NULL AND outlier = 0 AND rejected = 0
      AND soft_failed = 0 AND type IN ('m.room.message', 'm.room.name', 'm.room.topic', 'm.room.redaction')) WHERE id = 1`,
    `INSERT INTO log (position, kind, key) SELECT p.position + 1 - ROW_NUMBER() OVER (ORDER BY e.origin_server_ts DESC, e.event_id), 'history',
      e.event_id FROM events e CROSS JOIN positions p WHERE p.id = 1 AND e.position IS NULL AND e.outlier = 0 AND e.rejected = 0
      AND e.soft_failed = 0 AND e.type IN ('m.room.message', 'm.room.name', 'm.room.topic', 'm.room.redaction')`,
  ],
}
