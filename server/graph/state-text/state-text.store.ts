import { statement } from '../../storage/database.ts'

/** State events by their ids, without what clients are told of redactions and of what was before. */
export const selectStateJson = statement<[eventIds: readonly string[]], { event_id: string; json: Uint8Array }>(
  'SELECT event_id, json FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)

/** The memberships of some users in a chain of groups, the newest first; the first one of a user counts. */
export const selectChainMembers = statement<
  [newestFirst: readonly string[], userIds: readonly string[]],
  { state_key: string; event_id: string }
>(
  `SELECT e.state_key, e.event_id
  FROM json_each(CAST(? AS TEXT)) AS chain CROSS JOIN json_each(CAST(? AS TEXT)) AS wanted CROSS JOIN state_group_entries e
  WHERE e.state_group = chain.value AND e.type = 'm.room.member' AND e.state_key = wanted.value
  ORDER BY CAST(chain.key AS BIGINT)`,
)
