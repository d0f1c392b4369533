import { statement } from '../storage/database.ts'

export const selectUsableToken = statement<[string, number], { hash: string }>(
  `SELECT hash FROM registration_tokens WHERE hash = ? AND (uses_allowed IS NULL OR uses < uses_allowed)
   AND (expires_at IS NULL OR expires_at > ?)`,
)
export const insertToken = statement<[string, number | null, number | null]>(
  'INSERT INTO registration_tokens (hash, uses_allowed, uses, expires_at) VALUES (?, ?, 0, ?) ON CONFLICT (hash) DO NOTHING',
)
export const updateUses = statement<[string]>('UPDATE registration_tokens SET uses = uses + 1 WHERE hash = ?')
