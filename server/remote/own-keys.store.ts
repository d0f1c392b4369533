import { statement } from '../storage/database.ts'

export type OwnKeyRow = { key_id: string; key: string; until: number | null }

export const selectOwnKeys = statement<[], OwnKeyRow>('SELECT key_id, key, until FROM own_keys ORDER BY key_id')

export const insertOwnKey = statement<[keyId: string, key: string, until: number | null]>(
  'INSERT INTO own_keys (key_id, key, until) VALUES (?, ?, ?) ON CONFLICT (key_id) DO NOTHING',
)

export const endOtherKeys = statement<[until: number, keyId: string]>('UPDATE own_keys SET until = ? WHERE until IS NULL AND key_id <> ?')

export const extendOwnKey = statement<[until: number, keyId: string, sameUntil: number]>(
  'UPDATE own_keys SET until = ? WHERE key_id = ? AND until < ?',
)

export const selectUsedKeys = statement<[], { key_id: string; used: number }>('SELECT key_id, used FROM own_keys WHERE used IS NOT NULL')

export const updateUsed = statement<[used: number, keyId: string, sameUsed: number]>(
  'UPDATE own_keys SET used = ? WHERE key_id = ? AND (used IS NULL OR used < ?)',
)
