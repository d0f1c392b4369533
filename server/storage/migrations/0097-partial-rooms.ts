import type { Migration } from './migration.ts'

/**
 * Rooms that this server has entered while their memberships are still on the way: the join, the state group before it, which is filled up as they come,
 * and which servers are said to be in the room. And what other servers sent of such rooms meanwhile, to be received afterwards.
 */
export const partialRooms: Migration = {
  id: '0097-partial-rooms',
  statements: [
    `CREATE TABLE partial_rooms (
      room_id TEXT NOT NULL PRIMARY KEY,
      event_id TEXT NOT NULL,
      state_group TEXT NOT NULL,
      origin TEXT NOT NULL,
      servers TEXT NOT NULL
    )`,
    `CREATE TABLE held_events (
      room_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      origin TEXT NOT NULL,
      depth BIGINT NOT NULL,
      json BLOB NOT NULL,
      PRIMARY KEY (room_id, event_id, origin)
    )`,
  ],
}
