import { statement } from '../storage/database.ts'

export type ReaderRow = { position: number; holder: string; fence: number; beat: number }
export type FailureRow = { destination: string; failures: number; since: number; tried_at: number; retry_at: number }
export type PduRow = { position: number; room_id: string; event_id: string }
export type EduRow = { position: number; ordinal: number; edu_key: string; kept_until: number | null; body: Uint8Array }
/** What was dropped; an empty key is that of a message to devices. */
export type DroppedRow = { destination: string; edu_key: string }

export const insertReader = statement<[name: string, position: number]>(
  `INSERT INTO federation_readers (name, position, holder, fence, beat) VALUES (?, ?, '', 0, 0) ON CONFLICT DO NOTHING`,
)

export const selectReader = statement<[name: string], ReaderRow>(
  'SELECT position, holder, fence, beat FROM federation_readers WHERE name = ?',
)

export const updatePosition = statement<[position: number, name: string]>(
  'UPDATE federation_readers SET position = ?, beat = beat + 1 WHERE name = ?',
)

/** The rows of the lease. */
export const leaseRows = {
  select: selectReader,
  /** Still as it was seen. */
  unmoved: statement<[name: string, fence: number, beat: number], { fence: number }>(
    'SELECT fence FROM federation_readers WHERE name = ? AND fence = ? AND beat = ?',
  ),
  /** Still held under this fence. */
  held: statement<[name: string, fence: number], { fence: number }>('SELECT fence FROM federation_readers WHERE name = ? AND fence = ?'),
  take: statement<[holder: string, name: string]>(
    'UPDATE federation_readers SET holder = ?, fence = fence + 1, beat = beat + 1 WHERE name = ?',
  ),
  beat: statement<[name: string]>('UPDATE federation_readers SET beat = beat + 1 WHERE name = ?'),
  release: statement<[name: string]>(`UPDATE federation_readers SET holder = '' WHERE name = ?`),
}

export const selectFailures = statement<[], FailureRow>('SELECT destination, failures, since, tried_at, retry_at FROM federation_failures')

export const upsertFailure = statement<
  [destination: string, failures: number, since: number, triedAt: number, retryAt: number, words: string]
>(
  `INSERT INTO federation_failures (destination, failures, since, tried_at, retry_at, words) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (destination) DO UPDATE SET
    failures = excluded.failures, tried_at = excluded.tried_at, retry_at = excluded.retry_at, words = excluded.words`,
)

export const deleteFailure = statement<[destination: string]>('DELETE FROM federation_failures WHERE destination = ?')

export const selectTransactions = statement<[], { destination: string; transaction_id: string; position: number | null }>(
  'SELECT destination, transaction_id, position FROM federation_transactions',
)

export const selectBody = statement<[destination: string, transactionId: string], { body: Uint8Array }>(
  'SELECT body FROM federation_transactions WHERE destination = ? AND transaction_id = ?',
)

/** A destination has one at a time: the one before was taken. With its first event, the position of its last, and how many it holds. */
export const upsertTransaction = statement<
  [
    destination: string,
    transactionId: string,
    body: Uint8Array,
    eventId: string | null,
    position: number | null,
    pdus: number,
    edus: number,
  ]
>(
  `INSERT INTO federation_transactions (destination, transaction_id, body, event_id, position, pdus, edus) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (destination) DO UPDATE SET transaction_id = excluded.transaction_id, body = excluded.body, event_id = excluded.event_id,
    position = excluded.position, pdus = excluded.pdus, edus = excluded.edus`,
)

/** The same without some of its EDUs, under another id. */
export const updateTransaction = statement<[newId: string, body: Uint8Array, edus: number, destination: string, transactionId: string]>(
  'UPDATE federation_transactions SET transaction_id = ?, body = ?, edus = ? WHERE destination = ? AND transaction_id = ?',
)

export const deleteTransaction = statement<[destination: string, transactionId: string]>(
  'DELETE FROM federation_transactions WHERE destination = ? AND transaction_id = ?',
)

/** For whom something waits, and how many events. */
export const selectWaiting = statement<[], { destination: string; pdus: number }>(
  `SELECT destination, CAST(SUM(pdus) AS BIGINT) AS pdus FROM (
    SELECT destination, COUNT(*) AS pdus FROM federation_pdus GROUP BY destination
    UNION ALL SELECT DISTINCT destination, 0 FROM federation_edus
    UNION ALL SELECT DISTINCT destination, 0 FROM federation_missed
  ) AS waiting GROUP BY destination`,
)

/** The same for all these destinations. */
export const insertPdus = statement<[position: number, roomId: string, eventId: string, destinations: readonly string[]]>(
  `INSERT INTO federation_pdus (destination, position, room_id, event_id)
  SELECT value, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT) FROM json_each(CAST(? AS TEXT)) WHERE 1 = 1 ON CONFLICT DO NOTHING`,
)

export const selectPdus = statement<[destination: string, limit: number], PduRow>(
  'SELECT position, room_id, event_id FROM federation_pdus WHERE destination = ? ORDER BY position LIMIT ?',
)

export const deletePdus = statement<[destination: string, upTo: number]>(
  'DELETE FROM federation_pdus WHERE destination = ? AND position <= ?',
)

export const insertEdu = statement<
  [destination: string, position: number, ordinal: number, key: string, keptUntil: number | null, body: Uint8Array]
>('INSERT INTO federation_edus (destination, position, ordinal, edu_key, kept_until, body) VALUES (?, ?, ?, ?, ?, ?)')

export const deleteEdusOfKey = statement<[destination: string, key: string]>(
  'DELETE FROM federation_edus WHERE destination = ? AND edu_key = ?',
)

export const selectEdus = statement<[destination: string, limit: number], EduRow>(
  'SELECT position, ordinal, edu_key, kept_until, body FROM federation_edus WHERE destination = ? ORDER BY position, ordinal LIMIT ?',
)

export const deleteStaleEdus = statement<[destination: string, now: number], DroppedRow>(
  'DELETE FROM federation_edus WHERE destination = ? AND kept_until <= ? RETURNING destination, edu_key',
)

/** Of the messages to devices that wait for a destination, leaves the newest: so many, and so many bytes. The oldest go first, so many at once (`most`). */
export const deleteOldestEdus = statement<
  [destination: string, same: string, mostCount: number, mostBytes: number, most: number],
  DroppedRow
>(
  `DELETE FROM federation_edus WHERE destination = ? AND (position, ordinal) IN (
    SELECT position, ordinal FROM (
      SELECT position, ordinal, ROW_NUMBER() OVER newest AS place, SUM(LENGTH(body)) OVER newest AS bytes
      FROM federation_edus WHERE destination = ? AND edu_key = '' WINDOW newest AS (ORDER BY position DESC, ordinal DESC)
    ) AS counted WHERE place > ? OR bytes > ? ORDER BY position, ordinal LIMIT ?
  ) RETURNING destination, edu_key`,
)

export const deleteEdus = statement<[destination: string, position: number, samePosition: number, ordinal: number]>(
  'DELETE FROM federation_edus WHERE destination = ? AND (position < ? OR (position = ? AND ordinal <= ?))',
)

/** Of what waits for a destination, keeps the last event of each room as one that it missed. The rows themselves go with `deletePdus`. */
export const collapsePdus = statement<[destination: string, same: string]>(
  `INSERT INTO federation_missed (destination, room_id, position, event_id)
  SELECT destination, room_id, position, event_id FROM federation_pdus
  WHERE destination = ? AND position IN (SELECT MAX(position) FROM federation_pdus WHERE destination = ? GROUP BY room_id)
  ON CONFLICT (destination, room_id) DO UPDATE SET position = excluded.position, event_id = excluded.event_id`,
)

export const selectMissed = statement<[destination: string, limit: number], PduRow>(
  'SELECT position, room_id, event_id FROM federation_missed WHERE destination = ? ORDER BY position LIMIT ?',
)

export const deleteMissed = statement<[destination: string, roomId: string, position: number]>(
  'DELETE FROM federation_missed WHERE destination = ? AND room_id = ? AND position = ?',
)
