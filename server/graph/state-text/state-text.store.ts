import { statement } from '../../storage/database.ts'

/** State events by their ids, without what clients are told of redactions and of what was before. */
export const selectStateJson = statement<[eventIds: readonly string[]], { event_id: string; json: Uint8Array }>(
  'SELECT event_id, json FROM events WHERE event_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
