import { statement } from '../storage/database.ts'

/** `is_old`: 0 for a key in use, 1 for one that its server gave up, 2 for one that only an answer from before names, as others remember it. */
export type KeyRow = { key_id: string; key: string; until: number; is_old: number; fetched_at: number; stranger: number | null }
export type ResponseRow = { valid_until: number; fetched_at: number; response: Uint8Array }

export const selectKeys = statement<[serverName: string], KeyRow>(
  'SELECT key_id, key, until, is_old, fetched_at, stranger FROM server_keys WHERE server_name = ?',
)

/** A key that is said to be old stays old, with the end that it had; of a key in use the latest word counts, and of another of the kind `orKind`. */
export const upsertKey = statement<
  [serverName: string, keyId: string, key: string, until: number, isOld: number, fetchedAt: number, stranger: number | null, orKind: number]
>(
  `INSERT INTO server_keys (server_name, key_id, key, until, is_old, fetched_at, stranger) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (server_name, key_id) DO UPDATE SET key = excluded.key, until = excluded.until, is_old = excluded.is_old,
    fetched_at = excluded.fetched_at, stranger = CASE WHEN excluded.stranger = 1 THEN server_keys.stranger END
  WHERE server_keys.is_old IN (0, ?)`,
)

/** A key that a server had once, as others remember it: where it is known already nothing changes. */
export const insertFormerKey = statement<
  [serverName: string, keyId: string, key: string, until: number, isOld: number, fetchedAt: number, stranger: number | null]
>(
  `INSERT INTO server_keys (server_name, key_id, key, until, is_old, fetched_at, stranger) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (server_name, key_id) DO NOTHING`,
)

/** Of a server that names ever new keys those that were named last are kept. */
export const deleteForgottenKeys = statement<[serverName: string, sameServer: string, most: number]>(
  `DELETE FROM server_keys WHERE server_name = ? AND key_id NOT IN
    (SELECT key_id FROM server_keys WHERE server_name = ? ORDER BY fetched_at DESC, key_id LIMIT ?)`,
)

export const selectResponse = statement<[serverName: string], ResponseRow>(
  'SELECT valid_until, fetched_at, response FROM server_key_responses WHERE server_name = ?',
)

export const upsertResponse = statement<
  [serverName: string, validUntil: number, fetchedAt: number, response: Uint8Array, stranger: number | null]
>(
  `INSERT INTO server_key_responses (server_name, valid_until, fetched_at, response, stranger) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (server_name) DO UPDATE SET valid_until = excluded.valid_until, fetched_at = excluded.fetched_at, response = excluded.response,
    stranger = CASE WHEN excluded.stranger = 1 THEN server_key_responses.stranger END`,
)

/** Something was signed under them that is kept: they are, too. */
export const claimKeys = statement<[serverName: string]>('UPDATE server_keys SET stranger = NULL WHERE server_name = ? AND stranger = 1')
export const claimResponse = statement<[serverName: string]>(
  'UPDATE server_key_responses SET stranger = NULL WHERE server_name = ? AND stranger = 1',
)

const beforeNewest = `stranger = 1 AND fetched_at <
  (SELECT fetched_at FROM server_key_responses WHERE stranger = 1 ORDER BY fetched_at DESC LIMIT 1 OFFSET ?)`

/** Those of strangers but of so many that were heard from last; the responses go after the keys. */
export const deleteStrangersKeys = statement<[most: number]>(`DELETE FROM server_keys WHERE ${beforeNewest}`)
export const deleteStrangersResponses = statement<[most: number]>(`DELETE FROM server_key_responses WHERE ${beforeNewest}`)
