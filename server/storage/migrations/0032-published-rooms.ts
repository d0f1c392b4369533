import type { Migration } from './migration.ts'

/** The rooms of the public directory. */
export const publishedRooms: Migration = {
  id: '0032-published-rooms',
  statements: ['CREATE TABLE published_rooms (room_id TEXT NOT NULL PRIMARY KEY)'],
}
