import type { Database } from 'better-sqlite3'

export type OlmSessionRow = { session_id: string; pickle: Buffer }
export type WedgedRow = { own_user: string; user_id: string; identity_key: string }
export type UnreachableRow = { tries: number; retry_at: number }

export type OlmSessionsStore = ReturnType<typeof openOlmSessionsStore>

/** The statements on Olm sessions and on what goes wrong with them. */
export function openOlmSessionsStore(database: Database) {
  return { ...sessionStatements(database), ...troubleStatements(database) }
}

function sessionStatements(database: Database) {
  const select = database.prepare<[string, string], OlmSessionRow>(
    'SELECT session_id, pickle FROM crypto_olm_sessions WHERE own_user = ? AND identity_key = ? ORDER BY used_at DESC, session_id',
  )
  const selectAny = database.prepare<[string, string], { n: number }>(
    'SELECT 1 AS n FROM crypto_olm_sessions WHERE own_user = ? AND identity_key = ? LIMIT 1',
  )
  const insert = database.prepare(
    `INSERT INTO crypto_olm_sessions (own_user, identity_key, session_id, pickle, used_at)
     SELECT @own_user, @identity_key, @session_id, @pickle, max(@used_at, coalesce(max(used_at), 0) + 1)
     FROM crypto_olm_sessions WHERE own_user = @own_user AND identity_key = @identity_key`,
  )
  const update = database.prepare(
    `UPDATE crypto_olm_sessions SET pickle = @pickle, used_at = CASE WHEN @used_at IS NULL THEN used_at ELSE max(@used_at, (
       SELECT max(used_at) + 1 FROM crypto_olm_sessions WHERE own_user = @own_user AND identity_key = @identity_key)) END
     WHERE own_user = @own_user AND identity_key = @identity_key AND session_id = @session_id`,
  )
  const prune = database.prepare(
    `DELETE FROM crypto_olm_sessions WHERE own_user = @own_user AND identity_key = @identity_key AND session_id NOT IN (
       SELECT session_id FROM crypto_olm_sessions WHERE own_user = @own_user AND identity_key = @identity_key
       ORDER BY used_at DESC, session_id LIMIT 5)`,
  )
  const selectSeen = database.prepare<[Buffer], { n: number }>('SELECT 1 AS n FROM crypto_seen_messages WHERE digest = ?')
  const insertSeen = database.prepare('INSERT INTO crypto_seen_messages (digest, at) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const forget = ['crypto_olm_sessions', 'crypto_wedged', 'crypto_unreachable'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE own_user = ?`),
  )
  return {
    select: (ownUser: string, identityKey: string) => select.all(ownUser, identityKey),
    has: (ownUser: string, identityKey: string) => selectAny.get(ownUser, identityKey) !== undefined,
    insert: (ownUser: string, identityKey: string, sessionId: string, pickle: Buffer, usedAt: number) => {
      insert.run({ own_user: ownUser, identity_key: identityKey, session_id: sessionId, pickle, used_at: usedAt })
      prune.run({ own_user: ownUser, identity_key: identityKey })
    },
    update: (ownUser: string, identityKey: string, sessionId: string, pickle: Buffer, usedAt: number | null) =>
      update.run({ own_user: ownUser, identity_key: identityKey, session_id: sessionId, pickle, used_at: usedAt }),
    isSeen: (digest: Buffer) => selectSeen.get(digest) !== undefined,
    insertSeen: (digest: Buffer, at: number) => insertSeen.run(digest, at),
    forget: (ownUser: string) => {
      for (const statement of forget) statement.run(ownUser)
    },
  }
}

function troubleStatements(database: Database) {
  const selectWedged = database.prepare<[string, string, string], { at: number }>(
    'SELECT at FROM crypto_wedged WHERE own_user = ? AND user_id = ? AND identity_key = ?',
  )
  const upsertWedged = database.prepare(
    `INSERT INTO crypto_wedged (own_user, user_id, identity_key, at, pending) VALUES (?, ?, ?, ?, 1)
     ON CONFLICT DO UPDATE SET at = excluded.at, pending = 1`,
  )
  const selectPending = database.prepare<[], WedgedRow>(
    'SELECT own_user, user_id, identity_key FROM crypto_wedged WHERE pending = 1 LIMIT 100',
  )
  const recovered = database.prepare('UPDATE crypto_wedged SET pending = 0 WHERE own_user = ? AND user_id = ? AND identity_key = ?')
  const selectUnreachable = database.prepare<[string, string, string], UnreachableRow>(
    'SELECT tries, retry_at FROM crypto_unreachable WHERE own_user = ? AND user_id = ? AND device_id = ?',
  )
  const upsertUnreachable = database.prepare(
    `INSERT INTO crypto_unreachable (own_user, user_id, device_id, tries, retry_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET tries = excluded.tries, retry_at = excluded.retry_at`,
  )
  const deleteUnreachable = database.prepare('DELETE FROM crypto_unreachable WHERE own_user = ? AND user_id = ? AND device_id = ?')
  return {
    wedgedAt: (ownUser: string, userId: string, identityKey: string) => selectWedged.get(ownUser, userId, identityKey)?.at,
    wedge: (ownUser: string, userId: string, identityKey: string, at: number) => upsertWedged.run(ownUser, userId, identityKey, at),
    selectWedged: () => selectPending.all(),
    recovered: (row: WedgedRow) => recovered.run(row.own_user, row.user_id, row.identity_key),
    selectUnreachable: (ownUser: string, userId: string, deviceId: string) => selectUnreachable.get(ownUser, userId, deviceId),
    unreachable: (ownUser: string, userId: string, deviceId: string, tries: number, retryAt: number) =>
      upsertUnreachable.run(ownUser, userId, deviceId, tries, retryAt),
    reachable: (ownUser: string, userId: string, deviceId: string) => deleteUnreachable.run(ownUser, userId, deviceId),
  }
}
