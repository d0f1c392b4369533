import type { UserId } from '../core/ids.ts'
import { statement } from '../storage/database.ts'

type Owner = { user_id: UserId }

export const insertLoginToken = statement<[hash: string, UserId, expiresAt: number]>(
  'INSERT INTO login_tokens (hash, user_id, expires_at) VALUES (?, ?, ?)',
)
export const selectLoginToken = statement<[hash: string, now: number], Owner>(
  'SELECT user_id FROM login_tokens WHERE hash = ? AND expires_at > ?',
)
export const deleteLoginToken = statement<[hash: string]>('DELETE FROM login_tokens WHERE hash = ?')
export const deleteExpiredLoginTokens = statement<[now: number]>('DELETE FROM login_tokens WHERE expires_at <= ?')
export const deleteLoginTokensOfUser = statement<[UserId]>('DELETE FROM login_tokens WHERE user_id = ?')

export const insertOpenIdToken = statement<[hash: string, UserId, expiresAt: number]>(
  'INSERT INTO openid_tokens (hash, user_id, expires_at) VALUES (?, ?, ?)',
)
export const selectOpenIdToken = statement<[hash: string, now: number], Owner>(
  'SELECT user_id FROM openid_tokens WHERE hash = ? AND expires_at > ?',
)
export const deleteExpiredOpenIdTokens = statement<[now: number]>('DELETE FROM openid_tokens WHERE expires_at <= ?')
export const deleteOpenIdTokensOfUser = statement<[UserId]>('DELETE FROM openid_tokens WHERE user_id = ?')
