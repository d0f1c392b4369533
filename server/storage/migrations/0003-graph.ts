import type { Migration } from './migration.ts'

/** Rooms, events, state and memberships. */
export const graph: Migration = {
  id: '0003-graph',
  statements: [
    `CREATE TABLE rooms (
      room_id TEXT NOT NULL PRIMARY KEY,
      version BIGINT NOT NULL,
      room_version TEXT NOT NULL,
      state_group TEXT NOT NULL,
      extremities TEXT NOT NULL,
      depth BIGINT NOT NULL,
      position BIGINT NOT NULL,
      notifying BIGINT NOT NULL
    )`,
    `CREATE TABLE events (
      event_id TEXT NOT NULL PRIMARY KEY,
      room_id TEXT NOT NULL,
      position BIGINT,
      depth BIGINT NOT NULL,
      room_order BIGINT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT,
      sender TEXT NOT NULL,
      state_group TEXT NOT NULL,
      outlier BIGINT NOT NULL,
      rejected BIGINT NOT NULL,
      soft_failed BIGINT NOT NULL,
      notifying BIGINT NOT NULL,
      session TEXT,
      transaction_id TEXT,
      replaces TEXT,
      redacted_by TEXT,
      json BLOB NOT NULL
    )`,
    'CREATE INDEX events_by_position ON events (room_id, position)',
    'CREATE INDEX events_by_place ON events (room_id, depth, room_order)',
    'CREATE INDEX events_by_redaction ON events (redacted_by) WHERE redacted_by IS NOT NULL',
    'CREATE INDEX events_by_sender ON events (sender, room_id, position)',
    `CREATE VIEW served_events AS
      SELECT e.event_id, e.room_id, e.position, e.depth, e.room_order, e.type, e.state_key, e.state_group, e.outlier, e.rejected, e.soft_failed,
        e.notifying, e.session, e.transaction_id, e.replaces, e.redacted_by, e.json, r.json AS because, p.json AS replaced
      FROM events e LEFT JOIN events r ON r.event_id = e.redacted_by LEFT JOIN events p ON p.event_id = e.replaces`,
    `CREATE TABLE transactions (
      transaction_key TEXT NOT NULL PRIMARY KEY,
      event_ids TEXT NOT NULL,
      at BIGINT NOT NULL
    )`,
    `CREATE TABLE current_state (
      room_id TEXT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT NOT NULL,
      event_id TEXT NOT NULL,
      PRIMARY KEY (room_id, type, state_key)
    )`,
    `CREATE TABLE state_changes (
      room_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT NOT NULL,
      event_id TEXT,
      PRIMARY KEY (room_id, position, type, state_key)
    )`,
    `CREATE TABLE state_groups (
      state_group TEXT NOT NULL PRIMARY KEY,
      room_id TEXT NOT NULL,
      ordinal BIGINT NOT NULL,
      previous TEXT,
      partial BIGINT NOT NULL
    )`,
    `CREATE TABLE state_group_entries (
      state_group TEXT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT NOT NULL,
      event_id TEXT NOT NULL,
      PRIMARY KEY (state_group, type, state_key)
    )`,
    `CREATE TABLE memberships (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      membership TEXT NOT NULL,
      event_id TEXT NOT NULL,
      sender TEXT NOT NULL,
      position BIGINT NOT NULL,
      joined_at BIGINT NOT NULL,
      forgotten BIGINT NOT NULL,
      PRIMARY KEY (user_id, room_id)
    )`,
    'CREATE INDEX memberships_by_room ON memberships (room_id, membership)',
    `CREATE TABLE aliases (
      alias TEXT NOT NULL PRIMARY KEY,
      room_id TEXT NOT NULL,
      creator TEXT NOT NULL
    )`,
    'CREATE INDEX aliases_by_room ON aliases (room_id)',
    `CREATE TABLE highlights (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (user_id, room_id, position)
    )`,
    `CREATE TABLE read_positions (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      position BIGINT NOT NULL,
      PRIMARY KEY (user_id, room_id)
    )`,
  ],
}
