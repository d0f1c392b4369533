import { statement } from '../storage/database.ts'

export type ReceivedRow = { digest: string; answer: Uint8Array | null }
export type StagedRow = { origin: string; transaction_id: string; ordinal: number; json: Uint8Array }

type Key = [origin: string, transactionId: string]

export const selectReceived = statement<Key, ReceivedRow>(
  'SELECT digest, answer FROM federation_received WHERE origin = ? AND transaction_id = ?',
)

export const insertReceived = statement<[...Key, digest: string, receivedAt: number, edus: Uint8Array | null, answer: Uint8Array | null]>(
  `INSERT INTO federation_received (origin, transaction_id, digest, received_at, edus, answer) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`,
)

export const updateAnswered = statement<[answer: Uint8Array, ...Key]>(
  'UPDATE federation_received SET answer = ?, edus = NULL WHERE origin = ? AND transaction_id = ?',
)

export const insertStaged = statement<[...Key, ordinal: number, roomId: string, arrival: number, json: Uint8Array]>(
  'INSERT INTO federation_staged (origin, transaction_id, ordinal, room_id, arrival, attempts, json) VALUES (?, ?, ?, ?, ?, 0, ?)',
)

export const deleteStaged = statement<Key>('DELETE FROM federation_staged WHERE origin = ? AND transaction_id = ?')

export const deleteOneStaged = statement<[...Key, ordinal: number]>(
  'DELETE FROM federation_staged WHERE origin = ? AND transaction_id = ? AND ordinal = ?',
)

/** The rooms of what was there before a moment. */
export const selectStagedRooms = statement<[before: number], { room_id: string }>(
  'SELECT DISTINCT room_id FROM federation_staged WHERE arrival < ?',
)

export const selectStaged = statement<[roomId: string, before: number, limit: number], StagedRow>(
  `SELECT origin, transaction_id, ordinal, json FROM federation_staged WHERE room_id = ? AND arrival < ?
  ORDER BY arrival, ordinal LIMIT ?`,
)

export const countAttempt = statement<[before: number]>('UPDATE federation_staged SET attempts = attempts + 1 WHERE arrival < ?')

export const selectPoison = statement<[most: number], { origin: string; room_id: string }>(
  'SELECT origin, room_id FROM federation_staged WHERE attempts > ?',
)

export const deletePoison = statement<[most: number]>('DELETE FROM federation_staged WHERE attempts > ?')

/** The EDUs that nobody took in before the server ended, in their order. */
export const selectLeftEdus = statement<[before: number], { origin: string; transaction_id: string; edus: Uint8Array }>(
  `SELECT origin, transaction_id, edus FROM federation_received WHERE edus IS NOT NULL AND received_at < ?
  ORDER BY received_at, transaction_id`,
)

export const clearEdus = statement<Key>('UPDATE federation_received SET edus = NULL WHERE origin = ? AND transaction_id = ?')

/** What is this old is not repeated any more. */
export const selectOldReceived = statement<[before: number], { origin: string }>(
  'SELECT origin FROM federation_received WHERE received_at < ? AND edus IS NULL LIMIT 1',
)

export const deleteOldReceived = statement<[before: number]>('DELETE FROM federation_received WHERE received_at < ? AND edus IS NULL')
