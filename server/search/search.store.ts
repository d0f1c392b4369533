import { statement } from '../storage/database.ts'

export type DocumentRow = { document: number; event_id: string; room_id: string; edit_id: string | null }

export const selectProgress = statement<[], { position: number }>('SELECT position FROM search_progress WHERE id = 1')

/** Still where it was seen: no other process has gone on. */
export const selectProgressAt = statement<[position: number], { position: number }>(
  'SELECT position FROM search_progress WHERE id = 1 AND position = ?',
)

export const updateProgress = statement<[position: number]>('UPDATE search_progress SET position = ? WHERE id = 1')

/** The last event that was looked at for what the log is to be told of; null when all were. */
export const selectTold = statement<[], { told: string | null }>('SELECT told FROM search_progress WHERE id = 1')

export const selectToldAt = statement<[eventId: string], { told: string | null }>(
  'SELECT told FROM search_progress WHERE id = 1 AND told = ?',
)

export const updateTold = statement<[eventId: string | null]>('UPDATE search_progress SET told = ? WHERE id = 1')

export const upsertDocument = statement<[document: number, eventId: string, roomId: string, editId: string | null]>(
  `INSERT INTO search_events (document, event_id, room_id, edit_id) VALUES (?, ?, ?, ?)
  ON CONFLICT (document) DO UPDATE SET edit_id = excluded.edit_id`,
)

export const deleteDocument = statement<[document: number]>('DELETE FROM search_events WHERE document = ?')

export const selectDocument = statement<[document: number], { event_id: string }>('SELECT event_id FROM search_events WHERE document = ?')

/** The document below which a stretch of so many others ends. */
export const selectStretch = statement<[below: number, length: number], { document: number }>(
  'SELECT document FROM search_events WHERE document < ? ORDER BY document DESC LIMIT 1 OFFSET ?',
)

/** The document of an event, whether its text is the event's own or an edit's. */
export const selectDocumentsOf = statement<[eventId: string, editId: string], DocumentRow>(
  'SELECT document, event_id, room_id, edit_id FROM search_events WHERE event_id = ? OR edit_id = ?',
)

/** Some documents of a room. */
export const selectDocumentsIn = statement<[roomId: string, limit: number], { document: number }>(
  'SELECT document FROM search_events WHERE room_id = ? LIMIT ?',
)

export const insertRoom = statement<[roomId: string, number: number]>(
  'INSERT INTO search_rooms (room_id, number, encrypted) VALUES (?, ?, 0) ON CONFLICT DO NOTHING',
)

export const updateEncrypted = statement<[roomId: string]>('UPDATE search_rooms SET encrypted = 1 WHERE room_id = ?')

export const updateHistory = statement<[roomId: string]>('UPDATE search_rooms SET history = 1 WHERE room_id = ?')

export const deleteRoom = statement<[roomId: string]>('DELETE FROM search_rooms WHERE room_id = ?')

/** `history` when there are documents of its past in the index. */
export const selectRooms = statement<
  [roomIds: readonly string[]],
  { room_id: string; number: number; encrypted: number; history: number | null }
>(`SELECT room_id, number, encrypted, history FROM search_rooms WHERE room_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`)
