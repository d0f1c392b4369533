import { statement } from '../storage/database.ts'

/** An event as it is stored, with the event that redacted it. */
export type EventRow = {
  event_id: string
  room_id: string
  type: string
  position: number | null
  depth: number
  room_order: number
  state_group: string
  head_group: string | null
  handed: number | null
  gap: number | null
  notifying: number
  session: string | null
  transaction_id: string | null
  replaces: string | null
  redacted_by: string | null
  thread_id: string | null
  delay_id: string | null
  json: Uint8Array
  because: Uint8Array | null
  replaced: Uint8Array | null
}

type EventParameters = [
  eventId: string,
  roomId: string,
  positionOf: number,
  depth: number,
  orderOf: number,
  type: string,
  stateKey: string | null,
  sender: string,
  stateGroup: string,
  headGroup: string | null,
  notifying: number,
  session: string | null,
  transactionId: string | null,
  replaces: string | null,
  threadId: string | null,
  delayId: string | null,
  timestamp: number,
  json: Uint8Array,
]

const insertion = `INSERT INTO events (event_id, room_id, position, depth, room_order, type, state_key, sender, state_group, head_group, outlier,
    rejected, soft_failed, notifying, session, transaction_id, replaces, thread_id, delay_id, origin_server_ts, json)
  VALUES (?, ?, position_of(?), ?, position_of(?), ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?)`

export const insertEvent = statement<EventParameters>(insertion)

/** The same of another server's event, which may be here as an outlier. */
export const insertReceived = statement<EventParameters>(`${insertion}
  ON CONFLICT (event_id) DO UPDATE SET position = excluded.position, room_order = excluded.room_order, state_group = excluded.state_group,
    head_group = excluded.head_group, outlier = 0, rejected = 0, notifying = excluded.notifying, replaces = excluded.replaces,
    thread_id = excluded.thread_id, json = excluded.json
  WHERE events.outlier = 1`)

export const updateGap = statement<[eventId: string]>('UPDATE events SET gap = 1 WHERE event_id = ?')

export const updateHanded = statement<[eventId: string]>('UPDATE events SET handed = 1 WHERE event_id = ?')

export const updateRedacted = statement<[json: Uint8Array, redactedBy: string, eventId: string]>(
  'UPDATE events SET json = ?, redacted_by = ? WHERE event_id = ? AND redacted_by IS NULL',
)

export const selectEvent = statement<[eventId: string], EventRow>(
  'SELECT * FROM served_events WHERE event_id = ? AND outlier = 0 AND rejected = 0 AND soft_failed = 0',
)

/** An event that a redaction can be about: also one that is here as part of a state alone. */
export const selectRedactable = statement<[eventId: string], EventRow>(
  'SELECT * FROM served_events WHERE event_id = ? AND rejected = 0 AND soft_failed = 0',
)

export const selectEvents = statement<[eventIds: readonly string[]], EventRow>(
  'SELECT * FROM served_events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

/** Those of these events that are served to anybody at all. */
export const selectServed = statement<[eventIds: readonly string[]], EventRow>(
  `SELECT * FROM served_events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))
    AND outlier = 0 AND rejected = 0 AND soft_failed = 0`,
)

export const selectArrived = statement<[roomId: string, after: number, upTo: number, limit: number], EventRow>(
  `SELECT * FROM served_events WHERE room_id = ? AND position > ? AND position <= ? AND rejected = 0 AND soft_failed = 0
  ORDER BY position DESC LIMIT ?`,
)

export const selectSince = statement<[roomId: string, after: number], EventRow>(
  'SELECT * FROM served_events WHERE room_id = ? AND position > ? ORDER BY position',
)

export const selectOlder = statement<[roomId: string, depth: number, sameDepth: number, order: number, limit: number], EventRow>(
  `SELECT * FROM served_events WHERE room_id = ? AND depth <= ? AND (depth < ? OR room_order < ?)
    AND outlier = 0 AND rejected = 0 AND soft_failed = 0
  ORDER BY depth DESC, room_order DESC LIMIT ?`,
)

/** The same without what arrived at an order or later. */
export const selectOlderArrived = statement<
  [roomId: string, depth: number, sameDepth: number, order: number, before: number, limit: number],
  EventRow
>(
  `SELECT * FROM served_events WHERE room_id = ? AND depth <= ? AND (depth < ? OR room_order < ?) AND room_order < ?
    AND outlier = 0 AND rejected = 0 AND soft_failed = 0
  ORDER BY depth DESC, room_order DESC LIMIT ?`,
)

export const selectNewer = statement<[roomId: string, depth: number, sameDepth: number, order: number, limit: number], EventRow>(
  `SELECT * FROM served_events WHERE room_id = ? AND depth >= ? AND (depth > ? OR room_order >= ?)
    AND outlier = 0 AND rejected = 0 AND soft_failed = 0
  ORDER BY depth, room_order LIMIT ?`,
)

/** The last event that had arrived at a position. */
export const selectLastAt = statement<[roomId: string, position: number], EventRow>(
  'SELECT * FROM served_events WHERE room_id = ? AND position <= ? ORDER BY position DESC LIMIT 1',
)

export const selectRedactedBy = statement<[redactions: readonly string[]], EventRow>(
  `SELECT t.* FROM json_each(CAST(? AS TEXT)) AS redaction JOIN events r ON r.event_id = redaction.value AND r.type = 'm.room.redaction'
  JOIN served_events t ON t.redacted_by = r.event_id AND t.room_id = r.room_id`,
)

type At = [roomId: string, timestamp: number, limit: number, offset: number]

const served = 'outlier = 0 AND rejected = 0 AND soft_failed = 0'

/** Sent at a moment or later, the earliest first. */
export const selectSentFrom = statement<At, { event_id: string }>(
  `SELECT event_id FROM events WHERE room_id = ? AND origin_server_ts >= ? AND ${served}
  ORDER BY origin_server_ts, depth, room_order LIMIT ? OFFSET ?`,
)

/** Sent at a moment or earlier, the latest first. */
export const selectSentUntil = statement<At, { event_id: string }>(
  `SELECT event_id FROM events WHERE room_id = ? AND origin_server_ts <= ? AND ${served}
  ORDER BY origin_server_ts DESC, depth DESC, room_order DESC LIMIT ? OFFSET ?`,
)

/** A page of all events, by their ids; `past` of those that stand in their room without having arrived as news. */
export const selectPage = statement<
  [after: string, limit: number],
  { event_id: string; type: string; state_key: string | null; past: number }
>(
  `SELECT event_id, type, state_key, CASE WHEN position IS NULL AND ${served} THEN 1 ELSE 0 END AS past FROM events
  WHERE event_id > ? ORDER BY event_id LIMIT ?`,
)
