import type { Migration } from './migration.ts'

/** When events were sent, so that the one closest to a moment is found. Events stored before this step have no time here. */
export const eventTimes: Migration = {
  id: '0033-event-times',
  statements: [
    'ALTER TABLE events ADD COLUMN origin_server_ts BIGINT',
    'CREATE INDEX events_by_time ON events (room_id, origin_server_ts)',
  ],
}
