import { statement } from '../../storage/database.ts'

/** An event as it is stored, with the one whose place in the state it took. */
export type PduRow = {
  event_id: string
  room_id: string
  depth: number
  room_order: number
  state_group: string
  outlier: number
  rejected: number
  replaces: string | null
  json: Uint8Array
  replaced: Uint8Array | null
}

/** Events of any kind: also what was rejected, and outliers. */
export const selectPdus = statement<[eventIds: readonly string[]], PduRow>(
  `SELECT event_id, room_id, depth, room_order, state_group, outlier, rejected, replaces, json, replaced
  FROM served_events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

/** Where events stand, without what they say. */
export const selectPlaces = statement<
  [eventIds: readonly string[]],
  Pick<PduRow, 'event_id' | 'room_id' | 'depth' | 'room_order' | 'outlier' | 'rejected'>
>(
  `SELECT event_id, room_id, depth, room_order, outlier, rejected FROM events
  WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

/** A room's events at a depth and above it, the deepest first. */
export const selectPdusUpTo = statement<[roomId: string, depth: number, limit: number], PduRow>(
  `SELECT event_id, room_id, depth, room_order, state_group, outlier, rejected, replaces, json, replaced
  FROM served_events WHERE room_id = ? AND depth <= ? AND outlier = 0 ORDER BY depth DESC, room_order DESC LIMIT ?`,
)

/** The members that one state group itself names, of servers whose name ends as the pattern says. */
export const selectMembersLike = statement<[stateGroup: string, pattern: string], { state_key: string; event_id: string }>(
  `SELECT state_key, event_id FROM state_group_entries WHERE state_group = ? AND type = 'm.room.member' AND state_key LIKE ?`,
)
