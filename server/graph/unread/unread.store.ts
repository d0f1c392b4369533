import { statement } from '../../storage/database.ts'

export const insertApart = statement<[roomId: string, positionOf: number, threadId: string, counted: number, unread: number]>(
  'INSERT INTO unread_apart (room_id, position, thread_id, counted, unread) VALUES (?, position_of(?), ?, ?, ?) ON CONFLICT DO NOTHING',
)

/** Whether the room's counter has the event is seen from the event before it. */
export const silenceEvent = statement<[eventId: string]>(
  `INSERT INTO unread_apart (room_id, position, thread_id, counted, unread)
  SELECT e.room_id, e.position, '', CASE WHEN e.notifying > coalesce((SELECT p.notifying FROM events p
    WHERE p.room_id = e.room_id AND p.position < e.position ORDER BY p.position DESC LIMIT 1), 0) THEN 1 ELSE 0 END, 0
  FROM events e WHERE e.event_id = ? AND e.position IS NOT NULL
  ON CONFLICT (room_id, position) DO UPDATE SET unread = 0`,
)

export const deleteHighlights = statement<[roomId: string, eventId: string]>(
  'DELETE FROM highlights WHERE room_id = ? AND position = (SELECT position FROM events WHERE event_id = ?)',
)

export const insertHighlight = statement<[userId: string, roomId: string, positionOf: number, threadId: string, extra: number]>(
  `INSERT INTO highlights (user_id, room_id, position, thread_id, extra) VALUES (?, ?, position_of(?), ?, ?) ON CONFLICT DO NOTHING`,
)

export const upsertReadPosition = statement<[userId: string, roomId: string, position: number]>(
  `INSERT INTO read_positions (user_id, room_id, position) VALUES (?, ?, ?)
  ON CONFLICT (user_id, room_id) DO UPDATE SET position = excluded.position WHERE read_positions.position < excluded.position`,
)

export const upsertThreadReadPosition = statement<[userId: string, roomId: string, threadId: string, position: number]>(
  `INSERT INTO thread_read_positions (user_id, room_id, thread_id, position) VALUES (?, ?, ?, ?)
  ON CONFLICT (user_id, room_id, thread_id) DO UPDATE SET position = excluded.position
  WHERE thread_read_positions.position < excluded.position`,
)

export const markThreadSaidIn = statement<[userId: string, roomId: string, threadId: string, positionOf: number]>(
  `INSERT INTO thread_read_positions (user_id, room_id, thread_id, position) VALUES (?, ?, ?, position_of(?))
  ON CONFLICT (user_id, room_id, thread_id) DO UPDATE SET position = excluded.position
  WHERE thread_read_positions.position < excluded.position`,
)

/** How far a user has read: the whole room (no thread), the main timeline (`main`) and its threads. */
export const selectReadPositions = statement<
  [userId: string, roomId: string, sameUser: string, sameRoom: string],
  { thread_id: string; position: number }
>(
  `SELECT '' AS thread_id, position FROM read_positions WHERE user_id = ? AND room_id = ?
  UNION ALL SELECT thread_id, position FROM thread_read_positions WHERE user_id = ? AND room_id = ?`,
)

/** The rooms that a user has read up to their last event. */
export const selectReadRooms = statement<[userId: string], { room_id: string }>(
  'SELECT p.room_id FROM read_positions p JOIN rooms r ON r.room_id = p.room_id WHERE p.user_id = ? AND p.position >= r.position',
)

/** The last event that a user has sent outside of threads. */
export const selectLastSaid = statement<[sender: string, roomId: string, upTo: number], { notifying: number; position: number }>(
  `SELECT e.notifying, e.position FROM events e WHERE e.sender = ? AND e.room_id = ? AND e.position <= ?
    AND NOT EXISTS (SELECT 1 FROM unread_apart a WHERE a.room_id = e.room_id AND a.position = e.position AND a.thread_id <> '')
  ORDER BY e.position DESC LIMIT 1`,
)

export const selectNotifyingAt = statement<[roomId: string, position: number], { notifying: number }>(
  'SELECT notifying FROM events WHERE room_id = ? AND position <= ? ORDER BY position DESC LIMIT 1',
)

/** By thread: what the room's counter has since `main` and the main timeline does not, and what is unread in the thread. */
export const countApart = statement<
  [main: number, userId: string, roomId: string, after: number, upTo: number],
  { thread_id: string; less: number; unread: number }
>(
  `SELECT a.thread_id, count(CASE WHEN a.counted = 1 AND a.position > ? THEN 1 END) AS less,
    count(CASE WHEN a.unread = 1 AND a.position > coalesce(r.position, 0) THEN 1 END) AS unread
  FROM unread_apart a LEFT JOIN thread_read_positions r ON r.user_id = ? AND r.room_id = a.room_id AND r.thread_id = a.thread_id
  WHERE a.room_id = ? AND a.position > ? AND a.position <= ? GROUP BY a.thread_id`,
)

/** By thread: what highlights a user, and how much of it no counter has. The main timeline was read up to `main`. */
export const countHighlights = statement<
  [main: number, sameMain: number, same: string, userId: string, roomId: string, after: number, upTo: number],
  { thread_id: string; highlights: number; extra: number }
>(
  `SELECT h.thread_id,
    count(CASE WHEN h.position > (CASE h.thread_id WHEN '' THEN ? ELSE coalesce(r.position, 0) END) THEN 1 END) AS highlights,
    count(CASE WHEN h.extra = 1 AND h.position > (CASE h.thread_id WHEN '' THEN ? ELSE coalesce(r.position, 0) END) THEN 1 END) AS extra
  FROM highlights h LEFT JOIN thread_read_positions r ON r.user_id = ? AND r.room_id = h.room_id AND r.thread_id = h.thread_id
  WHERE h.user_id IN (?, '') AND h.room_id = ? AND h.position > ? AND h.position <= ? GROUP BY h.thread_id`,
)

/** The newest events of a room for which counting asks these tables; 0 when there are none. */
export const selectNewestApart = statement<[roomId: string, same: string], { apart: number; mentioned: number }>(
  `SELECT coalesce((SELECT max(position) FROM unread_apart WHERE room_id = ?), 0) AS apart,
    coalesce((SELECT max(position) FROM highlights WHERE room_id = ?), 0) AS mentioned`,
)
