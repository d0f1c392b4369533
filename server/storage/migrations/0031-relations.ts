import type { Migration } from './migration.ts'

/**
 * Which event relates to which, and the threads of a room with the newest event in each. `valid` is 0 for what calls itself a replacement and cannot be
 * one. Rows go with the redaction of their event.
 */
export const relations: Migration = {
  id: '0031-relations',
  statements: [
    `CREATE TABLE relations (
      event_id TEXT NOT NULL PRIMARY KEY,
      room_id TEXT NOT NULL,
      relates_to TEXT NOT NULL,
      rel_type TEXT NOT NULL,
      type TEXT NOT NULL,
      sender TEXT NOT NULL,
      aggregation_key TEXT,
      valid BIGINT NOT NULL,
      origin_server_ts BIGINT NOT NULL,
      depth BIGINT NOT NULL,
      room_order BIGINT NOT NULL
    )`,
    'CREATE INDEX relations_by_parent ON relations (relates_to, rel_type, depth, room_order)',
    'CREATE TABLE threads (root_id TEXT NOT NULL, room_id TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (root_id, room_id))',
    'CREATE INDEX threads_by_room ON threads (room_id, position)',
  ],
}
