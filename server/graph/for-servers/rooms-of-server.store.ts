import { statement } from '../../storage/database.ts'

/** The next rooms by their ids. */
export const selectRoomIds = statement<[after: string, limit: number], { room_id: string }>(
  'SELECT room_id FROM rooms WHERE room_id > ? ORDER BY room_id LIMIT ?',
)

/** Of these rooms, those with a joined member whose id looks like this. */
export const selectRoomsWith = statement<[roomIds: readonly string[], like: string], { room_id: string }>(
  `SELECT wanted.value AS room_id FROM json_each(CAST(? AS TEXT)) AS wanted WHERE EXISTS (
    SELECT 1 FROM memberships m WHERE m.room_id = wanted.value AND m.membership = 'join' AND m.user_id LIKE CAST(? AS TEXT)
  )`,
)
