import type { Database } from 'better-sqlite3'

export type InboundSessionRow = {
  room_id: string
  session_id: string
  sender: string
  identity_key: string
  signing_key: string
  pickle: Buffer
  first_index: number
}
export type KeyRequestRow = { room_id: string; session_id: string; sender: string; request_id: string; at: number }

export type InboundStore = ReturnType<typeof openInboundStore>

/** The statements on inbound Megolm sessions, on what was decrypted with them, and on those that are missing. */
export function openInboundStore(database: Database) {
  return { ...sessionStatements(database), ...missingStatements(database) }
}

function sessionStatements(database: Database) {
  const select = database.prepare<[string, string, string], InboundSessionRow>(
    'SELECT * FROM crypto_inbound_sessions WHERE room_id = ? AND session_id = ? AND sender = ?',
  )
  const selectOther = database.prepare<[string, string], { n: number }>(
    'SELECT 1 AS n FROM crypto_inbound_sessions WHERE room_id = ? AND session_id = ? LIMIT 1',
  )
  const upsert = database.prepare(
    `INSERT INTO crypto_inbound_sessions (room_id, session_id, sender, identity_key, signing_key, pickle, first_index)
     VALUES (@room_id, @session_id, @sender, @identity_key, @signing_key, @pickle, @first_index)
     ON CONFLICT DO UPDATE SET pickle = excluded.pickle, first_index = excluded.first_index`,
  )
  const selectIndex = database.prepare<[string, string, string, number], { event_id: string }>(
    'SELECT event_id FROM crypto_inbound_indices WHERE room_id = ? AND session_id = ? AND sender = ? AND message_index = ?',
  )
  const insertIndex = database.prepare(
    'INSERT INTO crypto_inbound_indices (room_id, session_id, sender, message_index, event_id) VALUES (?, ?, ?, ?, ?)',
  )
  const forget = ['crypto_inbound_sessions', 'crypto_inbound_indices', 'crypto_key_requests', 'crypto_withheld'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE sender = ?`),
  )
  return {
    select: (roomId: string, sessionId: string, sender: string) => select.get(roomId, sessionId, sender),
    isKnown: (roomId: string, sessionId: string) => selectOther.get(roomId, sessionId) !== undefined,
    upsert: (row: InboundSessionRow) => upsert.run(row),
    selectIndex: (roomId: string, sessionId: string, sender: string, index: number) =>
      selectIndex.get(roomId, sessionId, sender, index)?.event_id,
    insertIndex: (roomId: string, sessionId: string, sender: string, index: number, eventId: string) =>
      insertIndex.run(roomId, sessionId, sender, index, eventId),
    forget: (sender: string) => {
      for (const statement of forget) statement.run(sender)
    },
  }
}

function missingStatements(database: Database) {
  const selectRequest = database.prepare<[string, string, string], KeyRequestRow>(
    'SELECT * FROM crypto_key_requests WHERE room_id = ? AND session_id = ? AND sender = ?',
  )
  const countRequests = database.prepare<[], { n: number }>('SELECT count(*) AS n FROM crypto_key_requests')
  const insertRequest = database.prepare(
    `INSERT INTO crypto_key_requests (room_id, session_id, sender, request_id, at, pending)
     VALUES (@room_id, @session_id, @sender, @request_id, @at, 1) ON CONFLICT DO NOTHING`,
  )
  const selectPending = database.prepare<[], KeyRequestRow>('SELECT * FROM crypto_key_requests WHERE pending = 1 LIMIT 100')
  const requested = database.prepare('UPDATE crypto_key_requests SET pending = 0 WHERE room_id = ? AND session_id = ? AND sender = ?')
  const deleteRequest = database.prepare('DELETE FROM crypto_key_requests WHERE room_id = ? AND session_id = ? AND sender = ?')
  const pruneRequests = database.prepare('DELETE FROM crypto_key_requests WHERE at < ?')
  const upsertWithheld = database.prepare(
    `INSERT INTO crypto_withheld (room_id, session_id, sender, code)
     SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM crypto_withheld) < 10000
     ON CONFLICT DO UPDATE SET code = excluded.code`,
  )
  const grant = database.prepare(`DELETE FROM crypto_withheld WHERE sender = ? AND (session_id = ? OR session_id = '')`)
  const selectWithheld = database.prepare<[string, string, string], { code: string }>(
    `SELECT code FROM crypto_withheld WHERE room_id IN (?, '') AND session_id IN (?, '') AND sender = ? ORDER BY room_id DESC LIMIT 1`,
  )
  return {
    selectRequest: (roomId: string, sessionId: string, sender: string) => selectRequest.get(roomId, sessionId, sender),
    countRequests: () => countRequests.get()?.n ?? 0,
    insertRequest: (row: KeyRequestRow) => insertRequest.run(row).changes > 0,
    selectRequests: () => selectPending.all(),
    requested: (row: KeyRequestRow) => requested.run(row.room_id, row.session_id, row.sender),
    deleteRequest: (roomId: string, sessionId: string, sender: string) => deleteRequest.run(roomId, sessionId, sender),
    pruneRequests: (before: number) => pruneRequests.run(before),
    withhold: (roomId: string, sessionId: string, sender: string, code: string) => upsertWithheld.run(roomId, sessionId, sender, code),
    grant: (sender: string, sessionId: string) => grant.run(sender, sessionId),
    selectWithheld: (roomId: string, sessionId: string, sender: string) => selectWithheld.get(roomId, sessionId, sender)?.code,
  }
}
