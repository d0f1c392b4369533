import { statement } from '../../storage/database.ts'

/** Of these rooms, those with a joined member whose id does not look like this, and those whose members are not all known yet. */
export const selectShared = statement<[roomIds: readonly string[], local: string], { room_id: string }>(
  `SELECT wanted.value AS room_id FROM json_each(CAST(? AS TEXT)) AS wanted WHERE EXISTS (
    SELECT 1 FROM memberships m WHERE m.room_id = wanted.value AND m.membership = 'join' AND m.user_id NOT LIKE CAST(? AS TEXT)
  ) OR EXISTS (SELECT 1 FROM partial_rooms p WHERE p.room_id = wanted.value)`,
)
