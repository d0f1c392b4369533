import { statement } from '../../storage/database.ts'

export type ListRow = {
  user_id: string
  stream_id: number | null
  seen_id: number | null
  shared_at: number
  stale: number
  failures: number
  retry_at: number
}

export const selectLists = statement<[userIds: readonly string[]], ListRow>(
  `SELECT user_id, stream_id, seen_id, shared_at, stale, failures, retry_at FROM remote_device_lists
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const selectList = statement<[userId: string], ListRow>(
  'SELECT user_id, stream_id, seen_id, shared_at, stale, failures, retry_at FROM remote_device_lists WHERE user_id = ?',
)

/** The list as it was: nothing was told of it, or missed, in between. */
export const selectSameList = statement<[userId: string, streamId: number, stale: number], { user_id: string }>(
  'SELECT user_id FROM remote_device_lists WHERE user_id = ? AND COALESCE(stream_id, -1) = ? AND stale = ?',
)

/** The lists that are to be asked for, those that wait longest first. */
export const selectDueLists = statement<[now: number, limit: number], ListRow>(
  `SELECT user_id, stream_id, seen_id, shared_at, stale, failures, retry_at FROM remote_device_lists
  WHERE stale > 0 AND retry_at <= ? ORDER BY retry_at LIMIT ?`,
)

export const selectNextRetry = statement<[], { retry_at: number }>(
  'SELECT retry_at FROM remote_device_lists WHERE stale > 0 ORDER BY retry_at LIMIT 1',
)

/** All lists, page by page. */
export const selectListsAfter = statement<[after: string, limit: number], { user_id: string }>(
  'SELECT user_id FROM remote_device_lists WHERE user_id > ? ORDER BY user_id LIMIT ?',
)

export const insertList = statement<[userId: string, sharedAt: number, now: number]>(
  `INSERT INTO remote_device_lists (user_id, stream_id, seen_id, shared_at, stale, failures, retry_at) VALUES (?, NULL, NULL, ?, 1, 0, ?)
  ON CONFLICT (user_id) DO NOTHING`,
)

/** What is on its way already is not asked for more often for it, however much is told; a server that was silent is there again. */
export const updateStale = statement<[now: number, seenId: number | null, userId: string]>(
  `UPDATE remote_device_lists SET stale = stale + 1, retry_at = CASE WHEN stale = 0 OR failures > 0 THEN ? ELSE retry_at END,
    seen_id = COALESCE(CAST(? AS BIGINT), seen_id) WHERE user_id = ?`,
)

export const updateStreamId = statement<[streamId: number, seenId: number, userId: string]>(
  'UPDATE remote_device_lists SET stream_id = ?, seen_id = ? WHERE user_id = ?',
)

export const updateFetched = statement<[streamId: number, sharedAt: number, userId: string]>(
  'UPDATE remote_device_lists SET stream_id = ?, shared_at = ?, stale = 0, failures = 0 WHERE user_id = ?',
)

export const updateFailed = statement<[retryAt: number, userId: string]>(
  'UPDATE remote_device_lists SET failures = failures + 1, retry_at = ? WHERE user_id = ?',
)

export const updateRetry = statement<[retryAt: number, userIds: readonly string[]]>(
  `UPDATE remote_device_lists SET retry_at = ? WHERE stale > 0 AND user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const deleteList = statement<[userId: string]>('DELETE FROM remote_device_lists WHERE user_id = ?')

export const upsertRemoteDevice = statement<[userId: string, deviceId: string, content: string]>(
  `INSERT INTO device_keys (user_id, device_id, content) VALUES (?, ?, ?)
  ON CONFLICT (user_id, device_id) DO UPDATE SET content = excluded.content`,
)

export const deleteDevicesOfUser = statement<[userId: string]>('DELETE FROM device_keys WHERE user_id = ?')

export const upsertRemoteKey = statement<[userId: string, usage: string, publicKey: string, content: string]>(
  `INSERT INTO cross_signing_keys (user_id, usage, public_key, content) VALUES (?, ?, ?, ?)
  ON CONFLICT (user_id, usage) DO UPDATE SET public_key = excluded.public_key, content = excluded.content`,
)
