import { statement } from '../../storage/database.ts'

type PartialRow = { event_id: string; state_group: string; origin: string; servers: string }

export const selectPartialRoom = statement<[roomId: string], PartialRow>(
  'SELECT event_id, state_group, origin, servers FROM partial_rooms WHERE room_id = ?',
)

/** Rooms that are not whole, and those for which something is held. */
export const selectUnfinishedRooms = statement<[], { room_id: string }>(
  'SELECT room_id FROM partial_rooms UNION SELECT DISTINCT room_id FROM held_events',
)

export const insertPartialRoom = statement<
  [roomId: string, eventId: string, stateGroup: string, origin: string, servers: readonly string[]]
>('INSERT INTO partial_rooms (room_id, event_id, state_group, origin, servers) VALUES (?, ?, ?, ?, ?)')

export const deletePartialRoom = statement<[roomId: string]>('DELETE FROM partial_rooms WHERE room_id = ?')

/** How many are held of a room, and how many of these a server sent. */
export const countHeld = statement<[origin: string, roomId: string], { total: number; own: number | null }>(
  'SELECT COUNT(*) AS total, SUM(CASE WHEN origin = ? THEN 1 ELSE 0 END) AS own FROM held_events WHERE room_id = ?',
)

export const insertHeld = statement<[roomId: string, eventId: string, origin: string, depth: number, json: Uint8Array]>(
  'INSERT INTO held_events (room_id, event_id, origin, depth, json) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
)

export const selectHeld = statement<[roomId: string, limit: number], { event_id: string; origin: string; json: Uint8Array }>(
  'SELECT event_id, origin, json FROM held_events WHERE room_id = ? ORDER BY depth, event_id LIMIT ?',
)

export const deleteHeld = statement<[roomId: string, origin: string, eventIds: readonly string[]]>(
  'DELETE FROM held_events WHERE room_id = ? AND origin = ? AND event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
