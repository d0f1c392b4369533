import { statement } from '../storage/database.ts'
import type { PresenceName } from './presence-content.ts'

export type PresenceRow = { user_id: string; presence: PresenceName; status_msg: string | null; last_active_at: number }

export const upsertPresence = statement<
  [userId: string, presence: string, statusMsg: string | null, lastActiveAt: number, expiresAt: number, row: number]
>(
  `INSERT INTO presence (user_id, presence, status_msg, last_active_at, expires_at, position) VALUES (?, ?, ?, ?, ?, position_of(?))
  ON CONFLICT (user_id) DO UPDATE SET presence = excluded.presence, status_msg = COALESCE(excluded.status_msg, presence.status_msg),
    last_active_at = excluded.last_active_at, expires_at = excluded.expires_at, position = excluded.position`,
)

/** What is no news to anybody: that somebody is still there. */
export const updateExpiry = statement<[expiresAt: number, lastActiveAt: number, userId: string]>(
  'UPDATE presence SET expires_at = ?, last_active_at = ? WHERE user_id = ?',
)

/** Whether it is told already; without a message, whatever the message is. */
export const selectSame = statement<[userId: string, presence: string, statusMsg: string | null, same: string | null], { user_id: string }>(
  `SELECT user_id FROM presence
  WHERE user_id = ? AND presence = ? AND (CAST(? AS TEXT) IS NULL OR COALESCE(status_msg, '') = CAST(? AS TEXT))`,
)

/** Whether nobody holds the user any more, here or elsewhere. */
export const selectExpired = statement<[userId: string, now: number], { user_id: string }>(
  `SELECT user_id FROM presence WHERE user_id = ? AND presence <> 'offline' AND expires_at <= ?`,
)

export const selectAllExpired = statement<[now: number, limit: number], PresenceRow>(
  `SELECT user_id, presence, status_msg, last_active_at FROM presence WHERE presence <> 'offline' AND expires_at <= ? LIMIT ?`,
)

export const selectPresence = statement<[userId: string], PresenceRow>(
  'SELECT user_id, presence, status_msg, last_active_at FROM presence WHERE user_id = ?',
)

export const selectPresenceOf = statement<[userIds: readonly string[]], PresenceRow>(
  `SELECT user_id, presence, status_msg, last_active_at FROM presence
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT)))`,
)

export const selectChanged = statement<[after: number, upTo: number, limit: number], PresenceRow>(
  `SELECT user_id, presence, status_msg, last_active_at FROM presence WHERE position > ? AND position <= ? ORDER BY position DESC LIMIT ?`,
)

/** Those of these users who are there. */
export const selectPresentAmong = statement<[userIds: readonly string[]], PresenceRow>(
  `SELECT user_id, presence, status_msg, last_active_at FROM presence
  WHERE user_id IN (SELECT value FROM json_each(CAST(? AS TEXT))) AND presence <> 'offline'`,
)

export const selectPresent = statement<[limit: number], PresenceRow>(
  `SELECT user_id, presence, status_msg, last_active_at FROM presence WHERE presence <> 'offline' ORDER BY position DESC LIMIT ?`,
)
