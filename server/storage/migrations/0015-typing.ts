import type { Migration } from './migration.ts'

const columns = `(
  room_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  position BIGINT NOT NULL,
  PRIMARY KEY (room_id, user_id)
)`

/** Who types where until when (0: no more). Not worth a log of its own: lost with a crash of the database. */
export const typing: Migration = {
  id: '0015-typing',
  sqlite: [`CREATE TABLE typing ${columns}`],
  postgres: [`CREATE UNLOGGED TABLE typing ${columns}`],
  statements: ['CREATE INDEX typing_by_position ON typing (room_id, position)'],
}
