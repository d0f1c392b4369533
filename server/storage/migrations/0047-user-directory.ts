import type { Migration } from './migration.ts'

/** Who is in rooms here, by the words of their names and ids; the rooms that everybody may look into; how far the log was followed. */
export const userDirectory: Migration = {
  id: '0047-user-directory',
  statements: [
    'CREATE TABLE directory_users (user_id TEXT NOT NULL PRIMARY KEY, display_name TEXT, avatar_url TEXT, words TEXT NOT NULL)',
    'CREATE TABLE directory_words (word TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (word, user_id))',
    'CREATE INDEX directory_words_by_user ON directory_words (user_id)',
    'CREATE TABLE directory_rooms (room_id TEXT NOT NULL PRIMARY KEY)',
    'CREATE TABLE directory_progress (id BIGINT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)',
    'INSERT INTO directory_progress (id, position) VALUES (1, 0)',
  ],
}
