import type { Migration } from './migration.ts'

/**
 * What users of this server are in rooms that this server is not in: invited, knocking, or no more. Beside the row in `memberships`: the event itself,
 * which is no part of a room here, the state that came with it, and the servers that know the room.
 */
export const outsideMemberships: Migration = {
  id: '0090-outside-memberships',
  statements: [
    `CREATE TABLE outside_memberships (
      user_id TEXT NOT NULL,
      room_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      room_version TEXT NOT NULL,
      servers TEXT NOT NULL,
      state BLOB NOT NULL,
      json BLOB NOT NULL,
      PRIMARY KEY (user_id, room_id)
    )`,
    'CREATE INDEX outside_memberships_by_room ON outside_memberships (room_id)',
  ],
}
