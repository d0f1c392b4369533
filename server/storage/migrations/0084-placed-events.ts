import type { Migration } from './migration.ts'

/**
 * Events that have no place in their room, as the state that came with a join, stand in no index by place or time: a room of ten thousand members has
 * more of them than it has history, and who reads the history would go through all of them.
 */
export const placedEvents: Migration = {
  id: '0084-placed-events',
  statements: [
    'DROP INDEX events_by_place',
    'DROP INDEX events_by_time',
    'CREATE INDEX events_by_place ON events (room_id, depth, room_order) WHERE outlier = 0',
    'CREATE INDEX events_by_time ON events (room_id, origin_server_ts) WHERE outlier = 0',
  ],
}
