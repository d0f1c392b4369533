import type { UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

export type AccountRow = {
  user_id: UserId
  password: string | null
  admin: number
  deactivated: number
  locked: number
  suspended: number
  service_id: string | null
  created_at: number
}

export const selectAccount = statement<[UserId], AccountRow>(
  'SELECT user_id, password, admin, deactivated, locked, suspended, service_id, created_at FROM accounts WHERE user_id = ?',
)
export const selectAdmin = statement<[], { user_id: UserId }>('SELECT user_id FROM accounts WHERE admin = 1 AND deactivated = 0 LIMIT 1')
export const insertAccount = statement<[UserId, string | null, number, string | null, number]>(
  `INSERT INTO accounts (user_id, password, admin, deactivated, locked, suspended, service_id, created_at) VALUES (?, ?, ?, 0, 0, 0, ?, ?)`,
)
export const insertSender = statement<[UserId, string, number]>(
  `INSERT INTO accounts (user_id, password, admin, deactivated, locked, suspended, service_id, created_at)
   VALUES (?, NULL, 0, 0, 0, 0, ?, ?) ON CONFLICT (user_id) DO NOTHING`,
)
export const updateLocked = statement<[number, UserId]>('UPDATE accounts SET locked = ? WHERE user_id = ?')
export const updateSuspended = statement<[number, UserId]>('UPDATE accounts SET suspended = ? WHERE user_id = ?')
export const updatePassword = statement<[string, UserId]>('UPDATE accounts SET password = ? WHERE user_id = ?')
/** Nobody logs in any more; what is left of the account is still to be cleared away. */
export const updateDeactivated = statement<[UserId]>('UPDATE accounts SET deactivated = 2, password = NULL, admin = 0 WHERE user_id = ?')
/** Nothing is left but the name, which is never given again. */
export const updateGone = statement<[UserId]>('UPDATE accounts SET deactivated = 1 WHERE user_id = ? AND deactivated = 2')
export const selectGoing = statement<[], { user_id: UserId }>('SELECT user_id FROM accounts WHERE deactivated = 2')
