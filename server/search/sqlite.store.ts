import { statement } from '../storage/database.ts'
import type { DocumentRow } from './search.store.ts'

/** The words of a document, one space between. */
export const insertWords = statement<[document: number, words: string]>('INSERT INTO search_words (rowid, words) VALUES (?, ?)')

export const deleteWords = statement<[document: number]>('DELETE FROM search_words WHERE rowid = ?')

/** The newest documents of a stretch that match. */
export const selectMatching = statement<[match: string, above: number, below: number, limit: number], DocumentRow>(
  `SELECT e.document, e.event_id, e.room_id, e.edit_id FROM search_words w CROSS JOIN search_events e ON e.document = w.rowid
  WHERE search_words MATCH ? AND w.rowid > ? AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?`,
)
