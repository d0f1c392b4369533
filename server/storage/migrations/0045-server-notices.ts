import type { Migration } from './migration.ts'

/** The room in which the server speaks to a user. */
export const serverNotices: Migration = {
  id: '0045-server-notices',
  statements: ['CREATE TABLE server_notice_rooms (user_id TEXT NOT NULL PRIMARY KEY, room_id TEXT NOT NULL)'],
}
