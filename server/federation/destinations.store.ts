import { statement } from '../storage/database.ts'

/** A destination, why it fails (null where it does not), and what is in the transaction that is on its way. */
export type DestinationRow = {
  destination: string
  sent_position: number | null
  sent_at: number | null
  failures: number | null
  since: number | null
  tried_at: number | null
  retry_at: number | null
  words: string | null
  event_id: string | null
  pdus: number | null
  edus: number | null
}

/** What waits behind that, each counted so far at most; the first event of what waits, and of what was missed. */
export type PendingRow = {
  destination: string
  pdus: number
  edus: number
  rooms: number
  waiting: string | null
  missed: string | null
}

const columns = `d.destination, d.sent_position, d.sent_at, f.failures, f.since, f.tried_at, f.retry_at, f.words, t.event_id, t.pdus, t.edus
  FROM federation_destinations d LEFT JOIN federation_failures f ON f.destination = d.destination
  LEFT JOIN federation_transactions t ON t.destination = d.destination`

export const insertDestination = statement<[destination: string]>(
  'INSERT INTO federation_destinations (destination) VALUES (?) ON CONFLICT DO NOTHING',
)

/** How far these destinations have come; without a position what they took last held no event. */
export const upsertReached = statement<[position: number | null, at: number, destinations: readonly string[]]>(
  `INSERT INTO federation_destinations (destination, sent_position, sent_at)
  SELECT value, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM json_each(CAST(? AS TEXT)) WHERE 1 = 1
  ON CONFLICT (destination) DO UPDATE SET
    sent_position = COALESCE(excluded.sent_position, federation_destinations.sent_position), sent_at = excluded.sent_at`,
)

export const selectSentAt = statement<[destination: string], { sent_at: number | null }>(
  'SELECT sent_at FROM federation_destinations WHERE destination = ?',
)

export const selectDestination = statement<[destination: string], DestinationRow>(`SELECT ${columns} WHERE d.destination = ?`)

export const selectTheseDestinations = statement<[destinations: readonly string[]], DestinationRow>(
  `SELECT ${columns} WHERE d.destination IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const countDestinations = statement<[like: string], { total: number }>(
  'SELECT COUNT(*) AS total FROM federation_destinations WHERE LOWER(destination) LIKE ?',
)

/** By a number of theirs, up (1) or down (-1), then by name. */
export const selectDestinations = statement<[like: string, sign: number, by: string, limit: number, offset: number], DestinationRow>(
  `SELECT ${columns} WHERE LOWER(d.destination) LIKE ?
  ORDER BY CAST(? AS BIGINT) * CASE CAST(? AS TEXT)
    WHEN 'retry_last_ts' THEN COALESCE(f.tried_at, 0)
    WHEN 'retry_interval' THEN COALESCE(f.retry_at - f.tried_at, 0)
    WHEN 'failure_ts' THEN COALESCE(f.since, 0)
    WHEN 'last_successful_stream_ordering' THEN COALESCE(d.sent_position, 0)
    ELSE 0 END, d.destination LIMIT ? OFFSET ?`,
)

export const selectDestinationsDown = statement<[like: string, limit: number, offset: number], DestinationRow>(
  `SELECT ${columns} WHERE LOWER(d.destination) LIKE ? ORDER BY d.destination DESC LIMIT ? OFFSET ?`,
)

export const selectPending = statement<
  [mostPdus: number, mostEdus: number, mostRooms: number, destinations: readonly string[]],
  PendingRow
>(
  `SELECT wanted.value AS destination,
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM federation_pdus p WHERE p.destination = wanted.value LIMIT ?) AS few) AS pdus,
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM federation_edus e WHERE e.destination = wanted.value LIMIT ?) AS few) AS edus,
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM federation_missed m WHERE m.destination = wanted.value LIMIT ?) AS few) AS rooms,
    (SELECT p.event_id FROM federation_pdus p WHERE p.destination = wanted.value ORDER BY p.position LIMIT 1) AS waiting,
    (SELECT m.event_id FROM federation_missed m WHERE m.destination = wanted.value ORDER BY m.position LIMIT 1) AS missed
  FROM json_each(CAST(? AS TEXT)) AS wanted`,
)

/** Also on the disk, for a process that begins before the one that sends has heard of it. */
export const resetFailure = statement<[now: number, destination: string]>(
  'UPDATE federation_failures SET failures = 1, retry_at = ? WHERE destination = ?',
)
