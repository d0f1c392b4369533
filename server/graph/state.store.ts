import { statement } from '../storage/database.ts'

export type StateRow = { event_id: string; json: Uint8Array }

export const selectCurrentState = statement<[roomId: string], StateRow>(
  `SELECT s.event_id, e.json FROM current_state s JOIN events e ON e.event_id = s.event_id
  WHERE s.room_id = ? AND s.type <> 'm.room.member'`,
)

export const upsertCurrentState = statement<[roomId: string, type: string, stateKey: string, eventId: string]>(
  `INSERT INTO current_state (room_id, type, state_key, event_id) VALUES (?, ?, ?, ?)
  ON CONFLICT (room_id, type, state_key) DO UPDATE SET event_id = excluded.event_id`,
)

export const deleteCurrentState = statement<[roomId: string, type: string, stateKey: string]>(
  'DELETE FROM current_state WHERE room_id = ? AND type = ? AND state_key = ?',
)

export const insertStateChange = statement<[roomId: string, positionOf: number, type: string, stateKey: string, eventId: string | null]>(
  'INSERT INTO state_changes (room_id, position, type, state_key, event_id) VALUES (?, position_of(?), ?, ?, ?)',
)

/** What became of a place of the state; no event where nothing stands there any more. */
export type StateChangeRow = { type: string; state_key: string; event_id: string | null; json: Uint8Array | null }

export const selectStateChanges = statement<[roomId: string, after: number, upTo: number], StateChangeRow>(
  `SELECT c.type, c.state_key, c.event_id, e.json FROM state_changes c LEFT JOIN events e ON e.event_id = c.event_id
  WHERE c.room_id = ? AND c.position > ? AND c.position <= ? ORDER BY c.position`,
)

export const selectStateChangesWithoutMembers = statement<[roomId: string, after: number, upTo: number], StateChangeRow>(
  `SELECT c.type, c.state_key, c.event_id, e.json FROM state_changes c LEFT JOIN events e ON e.event_id = c.event_id
  WHERE c.room_id = ? AND c.position > ? AND c.position <= ? AND c.type <> 'm.room.member' ORDER BY c.position`,
)

/**
 * State groups form a chain: the group of ordinal n holds what changed in (n − lowest set bit of n, n] and names the group at that lower ordinal
 * as its previous one. So a state is read from at most log₂(n) groups, and each change is stored about log₂(n) / 2 times, whatever the members.
 */
export const insertStateGroup = statement<[stateGroup: string, roomId: string, ordinal: number, previous: string | null]>(
  'INSERT INTO state_groups (state_group, room_id, ordinal, previous, partial) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING',
)

export const insertStateGroupEntry = statement<[stateGroup: string, type: string, stateKey: string, eventId: string]>(
  'INSERT INTO state_group_entries (state_group, type, state_key, event_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
)

/** Takes over the entries of the groups that the new one stands for, the newest first, so that older values of a key are left out. */
export const mergeStateGroups = statement<[stateGroup: string, newestFirst: readonly string[]]>(
  `INSERT INTO state_group_entries (state_group, type, state_key, event_id)
  SELECT CAST(? AS TEXT), e.type, e.state_key, e.event_id
  FROM json_each(CAST(? AS TEXT)) AS merged JOIN state_group_entries e ON e.state_group = merged.value
  WHERE true ORDER BY CAST(merged.key AS BIGINT)
  ON CONFLICT DO NOTHING`,
)

/** A group and those below it, newest first. */
export const selectStateGroupChain = statement<[stateGroup: string], { state_group: string; ordinal: number }>(
  `WITH RECURSIVE chain (state_group, ordinal, previous) AS (
    SELECT state_group, ordinal, previous FROM state_groups WHERE state_group = ?
    UNION ALL
    SELECT g.state_group, g.ordinal, g.previous FROM chain c JOIN state_groups g ON g.state_group = c.previous
  ) SELECT state_group, ordinal FROM chain ORDER BY ordinal DESC`,
)

/** All entries of a chain of groups, given newest first; the first one of a key counts. */
export const selectChainEntries = statement<[newestFirst: readonly string[]], { type: string; state_key: string; event_id: string }>(
  `SELECT e.type, e.state_key, e.event_id
  FROM json_each(CAST(? AS TEXT)) AS chain JOIN state_group_entries e ON e.state_group = chain.value
  ORDER BY CAST(chain.key AS BIGINT)`,
)

/** What became of places of the current state after a position, in order; no event where nothing stands there any more. */
export const selectChangesSince = statement<[roomId: string, after: number], StateChangeRow & { position: number }>(
  `SELECT c.type, c.state_key, c.position, c.event_id, e.json FROM state_changes c LEFT JOIN events e ON e.event_id = c.event_id
  WHERE c.room_id = ? AND c.position > ? ORDER BY c.position`,
)

export const selectGroupsOf = statement<[eventIds: readonly string[]], { event_id: string; state_group: string }>(
  'SELECT event_id, state_group FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

/** The entries of a chain that are no memberships; the first one of a key counts. */
export const selectChainEntriesWithoutMembers = statement<
  [newestFirst: readonly string[]],
  { type: string; state_key: string; event_id: string }
>(
  `SELECT e.type, e.state_key, e.event_id
  FROM json_each(CAST(? AS TEXT)) AS chain JOIN state_group_entries e ON e.state_group = chain.value
  WHERE e.type <> 'm.room.member' ORDER BY CAST(chain.key AS BIGINT)`,
)

/** The entries of one key in a chain of groups, newest first. */
export const selectChainEntry = statement<[newestFirst: readonly string[], type: string, stateKey: string], { event_id: string }>(
  `SELECT e.event_id
  FROM json_each(CAST(? AS TEXT)) AS chain JOIN state_group_entries e ON e.state_group = chain.value
  WHERE e.type = ? AND e.state_key = ?
  ORDER BY CAST(chain.key AS BIGINT) LIMIT 1`,
)

type EntryRow = { type: string; state_key: string; event_id: string }

/** The first of a group's own entries, in the order of their places. */
export const selectFirstEntries = statement<[stateGroup: string, limit: number], EntryRow>(
  'SELECT type, state_key, event_id FROM state_group_entries WHERE state_group = ? ORDER BY type, state_key LIMIT ?',
)

export const selectEntriesAfter = statement<[stateGroup: string, type: string, stateKey: string, limit: number], EntryRow>(
  `SELECT type, state_key, event_id FROM state_group_entries
  WHERE state_group = ? AND (type, state_key) > (?, ?) ORDER BY type, state_key LIMIT ?`,
)
