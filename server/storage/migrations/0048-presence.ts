import type { Migration } from './migration.ts'

const columns = `(
  user_id TEXT NOT NULL PRIMARY KEY,
  presence TEXT NOT NULL,
  status_msg TEXT,
  last_active_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  position BIGINT NOT NULL
)`

/** Who is online. Not worth a log of its own: lost with a crash of the database. After `expires_at`, whoever said so is gone. */
export const presence: Migration = {
  id: '0048-presence',
  sqlite: [`CREATE TABLE presence ${columns}`],
  postgres: [`CREATE UNLOGGED TABLE presence ${columns}`],
  statements: ['CREATE INDEX presence_by_position ON presence (position)'],
}
