import { statement } from '../storage/database.ts'
import type { DocumentRow } from './search.store.ts'

export const insertWords = statement<[document: number, words: readonly string[]]>(
  `INSERT INTO search_words (document, words)
  VALUES (?, array_to_tsvector(ARRAY(SELECT word.value FROM json_each(CAST(? AS TEXT)) AS word)))`,
)

export const deleteWords = statement<[document: number]>('DELETE FROM search_words WHERE document = ?')

/** The newest documents of a stretch that match. */
export const selectMatching = statement<[match: string, above: number, below: number, limit: number], DocumentRow>(
  `SELECT e.document, e.event_id, e.room_id, e.edit_id FROM search_words w JOIN search_events e ON e.document = w.document
  WHERE w.words @@ CAST(CAST(? AS TEXT) AS tsquery) AND w.document > ? AND w.document < ? ORDER BY w.document DESC LIMIT ?`,
)
