import { statement } from '../storage/database.ts'

export type ReceiptRow = { room_id: string; user_id: string; type: string; thread_id: string; event_id: string; at: number }

export const upsertReceipt = statement<
  [roomId: string, userId: string, type: string, threadId: string, eventId: string, at: number, row: number]
>(
  `INSERT INTO receipts (room_id, user_id, type, thread_id, event_id, at, position) VALUES (?, ?, ?, ?, ?, ?, position_of(?))
  ON CONFLICT (room_id, user_id, type, thread_id) DO UPDATE SET event_id = excluded.event_id, at = excluded.at, position = excluded.position`,
)

export const insertReceipt = statement<
  [roomId: string, userId: string, type: string, threadId: string, eventId: string, at: number, row: number]
>('INSERT INTO receipts (room_id, user_id, type, thread_id, event_id, at, position) VALUES (?, ?, ?, ?, ?, ?, position_of(?))')

/** The receipt, if it is still at an event. */
export const selectReceiptAt = statement<
  [roomId: string, userId: string, type: string, threadId: string, eventId: string],
  { event_id: string }
>('SELECT event_id FROM receipts WHERE room_id = ? AND user_id = ? AND type = ? AND thread_id = ? AND event_id = ?')

export const selectReceipt = statement<[roomId: string, userId: string, type: string, threadId: string], { event_id: string }>(
  'SELECT event_id FROM receipts WHERE room_id = ? AND user_id = ? AND type = ? AND thread_id = ?',
)

export const selectReceiptsOfRooms = statement<[roomIds: readonly string[], after: number, upTo: number], ReceiptRow>(
  `SELECT r.room_id, r.user_id, r.type, r.thread_id, r.event_id, r.at
  FROM json_each(CAST(? AS TEXT)) AS wanted JOIN receipts r ON r.room_id = wanted.value
  WHERE r.position > ? AND r.position <= ? AND r.type = 'm.read' ORDER BY r.position`,
)

export const selectPrivateReceipts = statement<[userId: string, after: number, upTo: number], ReceiptRow>(
  `SELECT room_id, user_id, type, thread_id, event_id, at FROM receipts
  WHERE user_id = ? AND type = 'm.read.private' AND position > ? AND position <= ? ORDER BY position`,
)

/** Receipts in rooms, from a position of its own in each. */
export const selectReceiptsSince = statement<[roomIds: readonly string[], from: readonly number[], upTo: number], ReceiptRow>(
  `SELECT r.room_id, r.user_id, r.type, r.thread_id, r.event_id, r.at
  FROM json_each(CAST(? AS TEXT)) AS wanted JOIN json_each(CAST(? AS TEXT)) AS since ON since.key = wanted.key
  JOIN receipts r ON r.room_id = wanted.value
  WHERE r.position >= CAST(since.value AS BIGINT) AND r.position <= ? AND r.type = 'm.read' ORDER BY r.position`,
)

/** A user's own receipts in rooms, private ones too. */
export const selectOwnReceipts = statement<[roomIds: readonly string[], userId: string, upTo: number], ReceiptRow>(
  `SELECT r.room_id, r.user_id, r.type, r.thread_id, r.event_id, r.at
  FROM json_each(CAST(? AS TEXT)) AS wanted JOIN receipts r ON r.room_id = wanted.value
  WHERE r.user_id = ? AND r.position <= ? ORDER BY r.position`,
)

/** The public receipts of rooms at positions, each room with its own, as far as they have not moved on since. */
export const selectReceiptsAt = statement<[roomIds: readonly string[], positions: readonly number[]], ReceiptRow>(
  `SELECT r.room_id, r.user_id, r.type, r.thread_id, r.event_id, r.at FROM json_each(CAST(? AS TEXT)) AS wanted
  JOIN json_each(CAST(? AS TEXT)) AS place ON place.key = wanted.key
  JOIN receipts r ON r.room_id = wanted.value AND r.position = CAST(place.value AS BIGINT)
  WHERE r.type = 'm.read' ORDER BY r.position`,
)
