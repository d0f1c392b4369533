import { statement } from '../../storage/database.ts'

/** An event as it is on disk, whatever became of it. */
export type StoredRow = {
  event_id: string
  room_id: string
  outlier: number
  rejected: number
  soft_failed: number
  state_group: string
  stands_on: string | null
  json: Uint8Array
}

export const selectStored = statement<[eventIds: readonly string[]], StoredRow>(
  `SELECT event_id, room_id, outlier, rejected, soft_failed, state_group, stands_on, json FROM events
  WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

/** An event that is here for its own sake: not only since others cite it. */
export const selectReceived = statement<[eventId: string], { event_id: string }>(
  'SELECT event_id FROM events WHERE event_id = ? AND outlier = 0',
)

/** Those of these events that are on disk, whatever became of them. */
export const selectThere = statement<[eventIds: readonly string[]], { event_id: string }>(
  'SELECT event_id FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

export const insertOutlier = statement<
  [
    eventId: string,
    roomId: string,
    depth: number,
    order: number,
    type: string,
    stateKey: string | null,
    sender: string,
    rejected: number,
    timestamp: number,
    json: Uint8Array,
  ]
>(
  `INSERT INTO events (event_id, room_id, position, depth, room_order, type, state_key, sender, state_group, outlier, rejected, soft_failed, notifying,
    origin_server_ts, json)
  VALUES (?, ?, NULL, ?, ?, ?, ?, ?, '', 1, ?, 0, 0, ?, ?) ON CONFLICT DO NOTHING`,
)

/** An event that takes no place in the room's timeline: rejected, soft-failed, or history. What was an outlier no longer is, and is whole where it was not. */
export const insertAside = statement<
  [
    eventId: string,
    roomId: string,
    depth: number,
    order: number,
    type: string,
    stateKey: string | null,
    sender: string,
    stateGroup: string,
    rejected: number,
    softFailed: number,
    replaces: string | null,
    threadId: string | null,
    timestamp: number,
    json: Uint8Array,
  ]
>(
  `INSERT INTO events (event_id, room_id, position, depth, room_order, type, state_key, sender, state_group, outlier, rejected, soft_failed, notifying,
    replaces, thread_id, origin_server_ts, json)
  VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, ?, ?, ?, ?)
  ON CONFLICT (event_id) DO UPDATE SET state_group = excluded.state_group, outlier = 0, rejected = excluded.rejected,
    soft_failed = excluded.soft_failed, replaces = COALESCE(excluded.replaces, events.replaces), thread_id = excluded.thread_id,
    json = CASE WHEN events.redacted_by IS NULL THEN excluded.json ELSE events.json END WHERE events.outlier = 1`,
)

/** What an event that was kept aside stands on that was not. */
export const updateStandsOn = statement<[standsOn: readonly string[], eventId: string]>(
  'UPDATE events SET stands_on = ? WHERE event_id = ? AND outlier = 0 AND (rejected = 1 OR soft_failed = 1)',
)

/** What stands before an event that is here as part of a state alone. */
export const updateReplaced = statement<[replaces: string, eventId: string, sameReplaces: string]>(
  'UPDATE events SET replaces = ? WHERE event_id = ? AND event_id <> ? AND replaces IS NULL AND position IS NULL',
)

/** So many redactions wait for one event: whoever says what it is may well have sent them first. */
export const mostWaiting = 1000

/** Of one sender's at one state one is enough: what it may the others may, too. */
export const insertWaitingRedaction = statement<[target: string, redaction: string]>(
  `INSERT INTO waiting_redactions (room_id, target, redaction) SELECT r.room_id, t.target, r.event_id
  FROM (SELECT CAST(? AS TEXT) AS target) AS t JOIN events r ON r.event_id = ?
  WHERE NOT EXISTS (SELECT 1 FROM waiting_redactions w JOIN events o ON o.event_id = w.redaction
      WHERE w.room_id = r.room_id AND w.target = t.target AND o.sender = r.sender AND o.state_group = r.state_group)
    AND (SELECT COUNT(*) FROM waiting_redactions w WHERE w.room_id = r.room_id AND w.target = t.target) < ${mostWaiting}
  ON CONFLICT DO NOTHING`,
)

/** Redactions that came before their target: one that was done to what was here of it beside the room, and those that wait. */
export const selectWaitingRedactions = statement<
  [roomId: string, target: string, sameRoomId: string, sameTarget: string],
  { event_id: string; state_group: string; sender: string; done: number }
>(
  `SELECT r.event_id, r.state_group, r.sender, 1 AS done, r.depth, r.room_order FROM events t JOIN events r ON r.event_id = t.redacted_by
    WHERE t.room_id = ? AND t.event_id = ?
  UNION ALL SELECT e.event_id, e.state_group, e.sender, 0 AS done, e.depth, e.room_order FROM waiting_redactions w JOIN events e ON e.event_id = w.redaction
    WHERE w.room_id = ? AND w.target = ?
  ORDER BY done DESC, depth, room_order LIMIT ${mostWaiting}`,
)

/** Those of many events that a redaction waits for. */
export const selectWaitedFor = statement<[roomId: string, eventIds: readonly string[]], { target: string }>(
  'SELECT DISTINCT target FROM waiting_redactions WHERE room_id = ? AND target IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

/** Others than those that were looked at. */
export const selectOtherWaiting = statement<[roomId: string, target: string, seen: readonly string[]], { redaction: string }>(
  `SELECT redaction FROM waiting_redactions WHERE room_id = ? AND target = ?
    AND redaction NOT IN (SELECT value FROM json_each(CAST(? AS TEXT))) LIMIT 1`,
)

export const deleteWaitingRedactions = statement<[roomId: string, target: string]>(
  'DELETE FROM waiting_redactions WHERE room_id = ? AND target = ?',
)

/** What was kept aside until its target came has its place in the past from then on. */
export const updateWithheld = statement<[redaction: string]>(
  "UPDATE events SET soft_failed = 0 WHERE event_id = ? AND type = 'm.room.redaction' AND soft_failed = 1",
)

/** `depth` is that of an event which cites the missing one. */
export const insertMissing = statement<[roomId: string, eventId: string, depth: number]>(
  'INSERT INTO missing_events (room_id, event_id, depth) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
)

/** The highest that are cited at most so high up. */
export const selectMissingBelow = statement<[roomId: string, depth: number, limit: number], { event_id: string; depth: number }>(
  'SELECT event_id, depth FROM missing_events WHERE room_id = ? AND depth <= ? ORDER BY depth DESC LIMIT ?',
)

export const selectMissing = statement<[roomId: string, eventId: string], { event_id: string }>(
  'SELECT event_id FROM missing_events WHERE room_id = ? AND event_id = ?',
)

export const selectMissingAmong = statement<[roomId: string, eventIds: readonly string[]], { event_id: string }>(
  'SELECT event_id FROM missing_events WHERE room_id = ? AND event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

export const deleteMissing = statement<[roomId: string, eventId: string]>('DELETE FROM missing_events WHERE room_id = ? AND event_id = ?')

/** Entries of a state group by the events themselves, which are on disk already. */
export const insertGroupOfEvents = statement<[stateGroup: string, eventIds: readonly string[]]>(
  `INSERT INTO state_group_entries (state_group, type, state_key, event_id)
  SELECT CAST(? AS TEXT), e.type, e.state_key, e.event_id FROM json_each(CAST(? AS TEXT)) AS listed JOIN events e ON e.event_id = listed.value
  WHERE e.state_key IS NOT NULL ON CONFLICT DO NOTHING`,
)

/** Of these events, those of which something is known: they are here, they are waited for, or they were redacted before they came. */
export const selectSpecial = statement<
  [eventIds: readonly string[], roomId: string, missing: readonly string[], sameRoomId: string, redacted: readonly string[]],
  { event_id: string }
>(
  `SELECT event_id FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  UNION SELECT event_id FROM missing_events WHERE room_id = ? AND event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  UNION SELECT target FROM waiting_redactions WHERE room_id = ? AND target IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

/** The first event of a name keeps it. */
export const insertEventName = statement<[eventId: string, referenceHash: string]>(
  'INSERT INTO event_names (event_id, reference_hash) VALUES (?, ?) ON CONFLICT DO NOTHING',
)

export const selectEventNames = statement<[eventIds: readonly string[]], { event_id: string; reference_hash: string }>(
  'SELECT event_id, reference_hash FROM event_names WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
