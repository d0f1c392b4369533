import type { Migration } from './migration.ts'

/**
 * What other servers' events bring: the room's state group where it is not the event's own (there are forks), redactions of events that are not here
 * yet, events that others cite in `prev_events` and that nobody could give us, which of our own events another server has passed on, and before which event some are missing.
 */
export const receivedEvents: Migration = {
  id: '0071-received-events',
  statements: [
    'ALTER TABLE events ADD COLUMN head_group TEXT',
    'ALTER TABLE events ADD COLUMN handed BIGINT',
    'ALTER TABLE events ADD COLUMN gap BIGINT',
    'DROP VIEW served_events',
    `CREATE VIEW served_events AS
      SELECT e.event_id, e.room_id, e.position, e.depth, e.room_order, e.type, e.state_key, e.state_group, e.head_group, e.handed, e.gap, e.outlier,
        e.rejected, e.soft_failed, e.notifying, e.session, e.transaction_id, e.replaces, e.redacted_by, e.thread_id, e.delay_id, e.json, r.json AS because,
        p.json AS replaced
      FROM events e LEFT JOIN events r ON r.event_id = e.redacted_by LEFT JOIN events p ON p.event_id = e.replaces`,
    `CREATE TABLE waiting_redactions (
      room_id TEXT NOT NULL,
      target TEXT NOT NULL,
      redaction TEXT NOT NULL,
      PRIMARY KEY (room_id, target, redaction)
    )`,
    `CREATE TABLE missing_events (
      room_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      depth BIGINT NOT NULL,
      PRIMARY KEY (room_id, event_id)
    )`,
  ],
}
