import { statement } from '../../storage/database.ts'
import type { EventRow } from '../events.store.ts'

type Ids = readonly string[]

type RelationParameters = [
  eventId: string,
  roomId: string,
  relatesTo: string,
  relType: string,
  type: string,
  sender: string,
  key: string | null,
  valid: number,
  timestamp: number,
  depth: number,
]

const insertion =
  'INSERT INTO relations (event_id, room_id, relates_to, rel_type, type, sender, aggregation_key, valid, origin_server_ts, depth, room_order)'

export const insertRelation = statement<[...RelationParameters, orderOf: number]>(
  `${insertion} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, position_of(?))`,
)

export const insertPastRelation = statement<[...RelationParameters, order: number]>(
  `${insertion} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
)

export const deleteRelation = statement<[eventId: string]>('DELETE FROM relations WHERE event_id = ?')

export const upsertThread = statement<[rootId: string, roomId: string, positionOf: number]>(
  `INSERT INTO threads (root_id, room_id, position) VALUES (?, ?, position_of(?))
  ON CONFLICT (root_id, room_id) DO UPDATE SET position = excluded.position`,
)

/** A thread that nothing newer was said in is known by where it ended in the past. */
export const upsertPastThread = statement<[rootId: string, roomId: string, place: number]>(
  `INSERT INTO threads (root_id, room_id, position) VALUES (?, ?, ?)
  ON CONFLICT (root_id, room_id) DO UPDATE SET position = excluded.position
  WHERE threads.position = 0 OR threads.position < excluded.position`,
)

/** Before an event goes: its thread ends with the one before it, at its position; or where that has none, at a place below 0. */
export const updateThreadWithout = statement<[eventId: string, threaded: string]>(
  `UPDATE threads SET position = COALESCE((SELECT max(CASE WHEN r.room_order > 0 THEN r.room_order
      ELSE (CASE WHEN r.depth < 68719476736 THEN r.depth ELSE 68719476735 END) * 65536 + (-1 - r.room_order) % 65536 - 4503599627370496 END)
    FROM relations r WHERE r.relates_to = threads.root_id AND r.rel_type = 'm.thread' AND r.room_id = threads.room_id AND r.event_id <> ?), 0)
  WHERE root_id = (SELECT relates_to FROM relations WHERE event_id = ? AND rel_type = 'm.thread')`,
)

export const selectAnnotation = statement<
  [relatesTo: string, roomId: string, type: string, sender: string, key: string],
  { event_id: string }
>(
  `SELECT event_id FROM relations
  WHERE relates_to = ? AND rel_type = 'm.annotation' AND room_id = ? AND type = ? AND sender = ? AND aggregation_key = ?`,
)

/** What is aggregated of the events that relate to these. */
export const selectAggregated = statement<[parents: Ids], { relates_to: string; rel_type: string }>(
  `SELECT DISTINCT relates_to, rel_type FROM relations
  WHERE relates_to IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND rel_type IN ('m.replace', 'm.thread', 'm.reference')`,
)

/** The most recent valid replacement of each event, by its own sender. */
export const selectReplacements = statement<[parents: Ids, ignored: Ids], { relates_to: string; event_id: string }>(
  `SELECT relates_to, event_id FROM (
    SELECT r.relates_to, r.event_id, row_number() OVER (PARTITION BY r.relates_to ORDER BY r.origin_server_ts DESC, r.event_id DESC) AS place
    FROM relations r JOIN events p ON p.event_id = r.relates_to
    WHERE r.relates_to IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND r.rel_type = 'm.replace' AND r.valid = 1
      AND p.sender = r.sender AND p.type = r.type AND p.room_id = r.room_id AND p.state_key IS NULL AND p.redacted_by IS NULL
      AND r.sender NOT IN (SELECT value FROM json_each(CAST(? AS TEXT)))
      AND NOT EXISTS (SELECT 1 FROM relations o WHERE o.event_id = r.relates_to AND o.rel_type = 'm.replace')
  ) AS edits WHERE place = 1`,
)

/** Each thread's size, whether a user wrote in it, and its newest event. */
export const selectThreads = statement<
  [reader: string, parents: Ids, ignored: Ids],
  { relates_to: string; event_id: string; count: number; participated: number }
>(
  `SELECT relates_to, event_id, total AS count, participated FROM (
    SELECT r.relates_to, r.event_id, count(*) OVER (PARTITION BY r.relates_to) AS total,
      max(CASE WHEN r.sender = ? THEN 1 ELSE 0 END) OVER (PARTITION BY r.relates_to) AS participated,
      row_number() OVER (PARTITION BY r.relates_to ORDER BY r.depth DESC, r.room_order DESC) AS place
    FROM relations r JOIN events p ON p.event_id = r.relates_to AND p.room_id = r.room_id
    WHERE r.relates_to IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND r.rel_type = 'm.thread'
      AND r.sender NOT IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  ) AS threaded WHERE place = 1`,
)

export const selectReferences = statement<[parents: Ids, ignored: Ids, most: number], { relates_to: string; event_id: string }>(
  `SELECT relates_to, event_id FROM (
    SELECT r.relates_to, r.event_id, row_number() OVER (PARTITION BY r.relates_to ORDER BY r.depth, r.room_order) AS place
    FROM relations r JOIN events p ON p.event_id = r.relates_to AND p.room_id = r.room_id
    WHERE r.relates_to IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND r.rel_type = 'm.reference'
      AND r.sender NOT IN (SELECT value FROM json_each(CAST(? AS TEXT)))
  ) AS referring WHERE place <= ? ORDER BY relates_to, place`,
)

type Related = [
  parent: string,
  roomId: string,
  sameRoomId: string,
  levels: number,
  anyRelType: number,
  relType: string,
  anyType: number,
  type: string,
  depth: number,
  sameDepth: number,
  order: number,
  limit: number,
]

/** A page is chosen from the index alone; only its events are read whole. */
const related = `WITH RECURSIVE related (event_id, rel_type, type, depth, room_order, level) AS (
    SELECT event_id, rel_type, type, depth, room_order, 1 FROM relations WHERE relates_to = ? AND room_id = ?
    UNION SELECT r.event_id, r.rel_type, r.type, r.depth, r.room_order, related.level + 1
      FROM related JOIN relations r ON r.relates_to = related.event_id WHERE r.room_id = ? AND related.level < CAST(? AS BIGINT)
  ), page AS (
    SELECT DISTINCT event_id, depth, room_order FROM related
    WHERE (CAST(? AS BIGINT) = 1 OR rel_type = ?) AND (CAST(? AS BIGINT) = 1 OR type = ?)`

export const selectOlderRelated = statement<Related, EventRow>(
  `${related} AND depth <= ? AND (depth < ? OR room_order < ?) ORDER BY depth DESC, room_order DESC LIMIT ?
  ) SELECT e.* FROM page JOIN served_events e ON e.event_id = page.event_id ORDER BY e.depth DESC, e.room_order DESC`,
)

export const selectNewerRelated = statement<Related, EventRow>(
  `${related} AND depth >= ? AND (depth > ? OR room_order >= ?) ORDER BY depth, room_order LIMIT ?
  ) SELECT e.* FROM page JOIN served_events e ON e.event_id = page.event_id ORDER BY e.depth, e.room_order`,
)

export const selectThreadRoots = statement<
  [roomId: string, before: number, anyone: number, sender: string, participant: string, limit: number],
  { root_id: string; position: number }
>(
  `SELECT t.root_id, t.position FROM threads t WHERE t.room_id = ? AND t.position < ? AND t.position <> 0 AND (CAST(? AS BIGINT) = 1
    OR EXISTS (SELECT 1 FROM events e WHERE e.event_id = t.root_id AND e.sender = ?)
    OR EXISTS (SELECT 1 FROM relations r WHERE r.relates_to = t.root_id AND r.rel_type = 'm.thread' AND r.room_id = t.room_id AND r.sender = ?))
  ORDER BY t.position DESC LIMIT ?`,
)
