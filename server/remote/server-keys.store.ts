import { statement } from '../storage/database.ts'

export type KeyRow = {
  server_name: string
  key_id: string
  key: string
  until: number
  is_old: number
  fetched_at: number
  response: Uint8Array
}

export const selectKeys = statement<[serverName: string], KeyRow>(
  'SELECT server_name, key_id, key, until, is_old, fetched_at, response FROM server_keys WHERE server_name = ?',
)

/** A key that is said to be old stays old; of a key in use the latest word counts. */
export const upsertKey = statement<
  [serverName: string, keyId: string, key: string, until: number, isOld: number, fetchedAt: number, response: Uint8Array]
>(
  `INSERT INTO server_keys (server_name, key_id, key, until, is_old, fetched_at, response) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (server_name, key_id) DO UPDATE SET key = excluded.key, until = excluded.until, is_old = excluded.is_old,
    fetched_at = excluded.fetched_at, response = excluded.response`,
)
