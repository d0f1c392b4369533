import type { Migration } from './migration.ts'

/** The thread of events that are in one without saying so, since they relate to one of its events; and the id under which an event was delayed. */
export const eventNotes: Migration = {
  id: '0061-event-notes',
  statements: [
    'ALTER TABLE events ADD COLUMN thread_id TEXT',
    'ALTER TABLE events ADD COLUMN delay_id TEXT',
    'DROP VIEW served_events',
    `CREATE VIEW served_events AS
      SELECT e.event_id, e.room_id, e.position, e.depth, e.room_order, e.type, e.state_key, e.state_group, e.outlier, e.rejected, e.soft_failed,
        e.notifying, e.session, e.transaction_id, e.replaces, e.redacted_by, e.thread_id, e.delay_id, e.json, r.json AS because,
        p.json AS replaced
      FROM events e LEFT JOIN events r ON r.event_id = e.redacted_by LEFT JOIN events p ON p.event_id = e.replaces`,
  ],
}
