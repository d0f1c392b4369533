import type { Migration } from './migration.ts'

/** What users have reported to the operator: a room, an event in it, or a user. */
export const reports: Migration = {
  id: '0049-reports',
  statements: [
    `CREATE TABLE reports (
      report_id TEXT NOT NULL PRIMARY KEY,
      received_at BIGINT NOT NULL,
      reporter TEXT NOT NULL,
      kind TEXT NOT NULL,
      room_id TEXT,
      event_id TEXT,
      user_id TEXT,
      reason TEXT NOT NULL
    )`,
    'CREATE INDEX reports_by_time ON reports (received_at)',
  ],
}
