import { statement } from '../storage/database.ts'

export const selectFilter = statement<[userId: string, filterId: string], { content: string }>(
  'SELECT content FROM filters WHERE user_id = ? AND filter_id = ?',
)

export const insertFilter = statement<[userId: string, filterId: string, content: string]>(
  'INSERT INTO filters (user_id, filter_id, content) VALUES (?, ?, ?) ON CONFLICT (user_id, filter_id) DO NOTHING',
)

export const deleteFiltersOfUser = statement<[userId: string]>('DELETE FROM filters WHERE user_id = ?')
