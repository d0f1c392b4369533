import { statement } from '../storage/database.ts'

export type UserRow = { user_id: string; display_name: string | null; avatar_url: string | null; words: string }

export const selectProgress = statement<[], { position: number }>('SELECT position FROM directory_progress WHERE id = 1')

/** Still where it was seen: no other process has gone on. */
export const selectProgressAt = statement<[position: number], { position: number }>(
  'SELECT position FROM directory_progress WHERE id = 1 AND position = ?',
)

export const updateProgress = statement<[position: number]>('UPDATE directory_progress SET position = ? WHERE id = 1')

export const selectUser = statement<[userId: string], UserRow>(
  'SELECT user_id, display_name, avatar_url, words FROM directory_users WHERE user_id = ?',
)

export const upsertUser = statement<[userId: string, displayName: string | null, avatarUrl: string | null, words: string]>(
  `INSERT INTO directory_users (user_id, display_name, avatar_url, words) VALUES (?, ?, ?, ?)
  ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, avatar_url = excluded.avatar_url, words = excluded.words`,
)

export const deleteUser = statement<[userId: string]>('DELETE FROM directory_users WHERE user_id = ?')

export const deleteWords = statement<[userId: string]>('DELETE FROM directory_words WHERE user_id = ?')

export const insertWords = statement<[userId: string, words: readonly string[]]>(
  `INSERT INTO directory_words (word, user_id)
  SELECT word.value, CAST(? AS TEXT) FROM json_each(CAST(? AS TEXT)) AS word WHERE true ON CONFLICT DO NOTHING`,
)

/** Users one of whose words comes after a word of a user and before another word, by the word and then by the id. */
export const selectUsersByWord = statement<[word: string, after: string, to: string, limit: number], UserRow & { word: string }>(
  `SELECT u.user_id, u.display_name, u.avatar_url, u.words, found.word
  FROM (SELECT word, user_id FROM directory_words WHERE (word, user_id) > (?, ?) AND word < ? ORDER BY word, user_id LIMIT ?) AS found
  JOIN directory_users u ON u.user_id = found.user_id ORDER BY found.word, found.user_id`,
)

export const insertRoom = statement<[roomId: string]>('INSERT INTO directory_rooms (room_id) VALUES (?) ON CONFLICT DO NOTHING')

export const deleteRoom = statement<[roomId: string]>('DELETE FROM directory_rooms WHERE room_id = ?')

/** Of these rooms, those that everybody may look into. */
export const selectOpenRooms = statement<[roomIds: readonly string[]], { room_id: string }>(
  'SELECT room_id FROM directory_rooms WHERE room_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
