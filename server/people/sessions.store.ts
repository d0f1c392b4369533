import type { DeviceId, UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export type TokenRow = {
  session_id: string
  user_id: UserId
  device_id: DeviceId | null
  confirmed: number
  generation: number
  expires_at: number | null
  admin: number
  deactivated: number
  locked: number
  suspended: number
}

export const selectByAccessToken = statement<[string], TokenRow>(
  `SELECT s.session_id, s.user_id, s.device_id, s.confirmed, t.generation, t.expires_at, a.admin, a.deactivated, a.locked, a.suspended
   FROM access_tokens t JOIN sessions s ON s.session_id = t.session_id JOIN accounts a ON a.user_id = s.user_id WHERE t.hash = ?`,
)
export const selectByRefreshToken = statement<[string], Omit<TokenRow, 'expires_at'>>(
  `SELECT s.session_id, s.user_id, s.device_id, s.confirmed, t.generation, a.admin, a.deactivated, a.locked, a.suspended
   FROM refresh_tokens t JOIN sessions s ON s.session_id = t.session_id JOIN accounts a ON a.user_id = s.user_id WHERE t.hash = ?`,
)
export const selectUsableAccount = statement<[UserId], { user_id: UserId }>(
  'SELECT user_id FROM accounts WHERE user_id = ? AND deactivated = 0',
)
export const selectSession = statement<[string, number], { session_id: string }>(
  'SELECT session_id FROM sessions WHERE session_id = ? AND confirmed <= ?',
)

export const selectSessionOfDevice = statement<[UserId, DeviceId], { session_id: string }>(
  'SELECT session_id FROM sessions WHERE user_id = ? AND device_id = ?',
)

export const insertSession = statement<[string, UserId, DeviceId | null, number]>(
  'INSERT INTO sessions (session_id, user_id, device_id, client, scopes, confirmed, created_at) VALUES (?, ?, ?, NULL, NULL, 0, ?)',
)
export const insertAccessToken = statement<[string, string, number, number | null]>(
  'INSERT INTO access_tokens (hash, session_id, generation, expires_at) VALUES (?, ?, ?, ?)',
)
export const insertRefreshToken = statement<[string, string, number]>(
  'INSERT INTO refresh_tokens (hash, session_id, generation) VALUES (?, ?, ?)',
)
export const updateConfirmed = statement<[number, string]>('UPDATE sessions SET confirmed = ? WHERE session_id = ?')

export const deleteOlderAccessTokens = statement<[string, number]>('DELETE FROM access_tokens WHERE session_id = ? AND generation < ?')
export const deleteNewerAccessTokens = statement<[string, number]>('DELETE FROM access_tokens WHERE session_id = ? AND generation > ?')
export const deleteNewerRefreshTokens = statement<[string, number]>('DELETE FROM refresh_tokens WHERE session_id = ? AND generation > ?')

export const deleteAccessTokensOfSession = statement<[string]>('DELETE FROM access_tokens WHERE session_id = ?')
export const deleteRefreshTokensOfSession = statement<[string]>('DELETE FROM refresh_tokens WHERE session_id = ?')
export const deleteSession = statement<[string]>('DELETE FROM sessions WHERE session_id = ?')

export const deleteAccessTokensOfDevices = statement<[UserId, readonly DeviceId[]]>(
  `DELETE FROM access_tokens WHERE session_id IN
     (SELECT session_id FROM sessions WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(CAST(? AS TEXT))))`,
)
export const deleteRefreshTokensOfDevices = statement<[UserId, readonly DeviceId[]]>(
  `DELETE FROM refresh_tokens WHERE session_id IN
     (SELECT session_id FROM sessions WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(CAST(? AS TEXT))))`,
)
export const deleteSessionsOfDevices = statement<[UserId, readonly DeviceId[]]>(
  'DELETE FROM sessions WHERE user_id = ? AND device_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))',
)
export const deleteAccessTokensOfUser = statement<[UserId]>(
  'DELETE FROM access_tokens WHERE session_id IN (SELECT session_id FROM sessions WHERE user_id = ?)',
)
export const deleteRefreshTokensOfUser = statement<[UserId]>(
  'DELETE FROM refresh_tokens WHERE session_id IN (SELECT session_id FROM sessions WHERE user_id = ?)',
)
export const deleteSessionsOfUser = statement<[UserId]>('DELETE FROM sessions WHERE user_id = ?')

/** Those of a user's sessions that have no device, but one. */
const bare = 'SELECT session_id FROM sessions WHERE user_id = ? AND device_id IS NULL AND session_id <> ?'
export const deleteAccessTokensWithoutDevice = statement<[UserId, string]>(`DELETE FROM access_tokens WHERE session_id IN (${bare})`)
export const deleteRefreshTokensWithoutDevice = statement<[UserId, string]>(`DELETE FROM refresh_tokens WHERE session_id IN (${bare})`)
export const deleteSessionsWithoutDevice = statement<[UserId, string]>(
  'DELETE FROM sessions WHERE user_id = ? AND device_id IS NULL AND session_id <> ?',
)
