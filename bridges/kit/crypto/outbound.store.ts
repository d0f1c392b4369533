import type { Database } from 'better-sqlite3'

export type OutboundSessionRow = {
  session_id: string
  own_user: string
  room_id: string
  pickle: Buffer
  created_at: number
  shared_history: number
}
export type ShareRow = {
  session_id: string
  user_id: string
  device_id: string
  identity_key: string
  /** The index from which on the device may read. */
  message_index: number
  reshared_at: number
  /** 1 when the device should have the key and could not be reached. */
  owed: number
}
export type OutgoingRow = { id: number; own_user: string; type: string; txn_id: string; messages: string }

export type OutboundStore = ReturnType<typeof openOutboundStore>

/** The statements on outbound Megolm sessions: who has their keys, what was encrypted, what is still to be sent. */
export function openOutboundStore(database: Database) {
  return { ...sessionStatements(database), ...shareStatements(database), ...sendingStatements(database), ...endStatements(database) }
}

function sessionStatements(database: Database) {
  const selectLive = database.prepare<[string, string], OutboundSessionRow>(
    'SELECT * FROM crypto_outbound_sessions WHERE own_user = ? AND room_id = ? AND live = 1',
  )
  const select = database.prepare<[string], OutboundSessionRow>('SELECT * FROM crypto_outbound_sessions WHERE session_id = ?')
  const insert = database.prepare(
    `INSERT INTO crypto_outbound_sessions (session_id, own_user, room_id, pickle, created_at, shared_history, live)
     VALUES (@session_id, @own_user, @room_id, @pickle, @created_at, @shared_history, 1)`,
  )
  const update = database.prepare('UPDATE crypto_outbound_sessions SET pickle = ? WHERE session_id = ?')
  const retire = database.prepare('UPDATE crypto_outbound_sessions SET live = 0 WHERE session_id = ?')
  const retireRoom = database.prepare('UPDATE crypto_outbound_sessions SET live = 0 WHERE room_id = ? AND live = 1')
  const insertKey = database.prepare(
    'INSERT INTO crypto_outbound_keys (session_id, message_index, session_key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const selectKey = database.prepare<[string, number], { session_key: Buffer }>(
    'SELECT session_key FROM crypto_outbound_keys WHERE session_id = ? AND message_index = ?',
  )
  return {
    selectLive: (ownUser: string, roomId: string) => selectLive.get(ownUser, roomId),
    select: (sessionId: string) => select.get(sessionId),
    insert: (row: OutboundSessionRow) => insert.run(row),
    update: (sessionId: string, pickle: Buffer) => update.run(pickle, sessionId),
    retire: (sessionId: string) => retire.run(sessionId),
    retireRoom: (roomId: string) => retireRoom.run(roomId).changes,
    insertKey: (sessionId: string, index: number, key: Buffer) => insertKey.run(sessionId, index, key),
    selectKey: (sessionId: string, index: number) => selectKey.get(sessionId, index)?.session_key,
  }
}

function shareStatements(database: Database) {
  const selectShares = database.prepare<[string], ShareRow>('SELECT * FROM crypto_outbound_shares WHERE session_id = ?')
  const selectShare = database.prepare<[string, string, string], ShareRow>(
    'SELECT * FROM crypto_outbound_shares WHERE session_id = ? AND user_id = ? AND device_id = ?',
  )
  const upsertShare = database.prepare(
    `INSERT INTO crypto_outbound_shares (session_id, user_id, device_id, identity_key, message_index, owed)
     VALUES (@session_id, @user_id, @device_id, @identity_key, @message_index, @owed)
     ON CONFLICT DO UPDATE SET owed = excluded.owed`,
  )
  const askReshare = database.prepare(
    'UPDATE crypto_outbound_shares SET reshare = 1, reshared_at = ? WHERE session_id = ? AND user_id = ? AND device_id = ?',
  )
  const selectOwed = database.prepare<[number], ShareRow>(
    `SELECT shares.* FROM crypto_outbound_shares AS shares JOIN crypto_outbound_sessions AS sessions USING (session_id)
     JOIN crypto_unreachable AS devices USING (own_user, user_id, device_id)
     WHERE shares.owed = 1 AND sessions.live = 1 AND devices.retry_at <= ? LIMIT 100`,
  )
  const selectReshares = database.prepare<[], ShareRow>('SELECT * FROM crypto_outbound_shares WHERE reshare = 1 LIMIT 100')
  const reshared = database.prepare('UPDATE crypto_outbound_shares SET reshare = 0 WHERE session_id = ? AND user_id = ? AND device_id = ?')
  return {
    selectShares: (sessionId: string) => selectShares.all(sessionId),
    selectShare: (sessionId: string, userId: string, deviceId: string) => selectShare.get(sessionId, userId, deviceId),
    upsertShare: (row: Omit<ShareRow, 'reshared_at'>) => upsertShare.run(row),
    /** Of the sessions in use, to devices that may be tried again. */
    selectOwed: (now: number) => selectOwed.all(now),
    askReshare: (row: ShareRow, at: number) => askReshare.run(at, row.session_id, row.user_id, row.device_id),
    selectReshares: () => selectReshares.all(),
    reshared: (row: ShareRow) => reshared.run(row.session_id, row.user_id, row.device_id),
  }
}

function sendingStatements(database: Database) {
  const selectPrepared = database.prepare<[string, string, string], { content: string }>(
    'SELECT content FROM crypto_prepared WHERE own_user = ? AND room_id = ? AND txn_id = ?',
  )
  const insertPrepared = database.prepare('INSERT INTO crypto_prepared (own_user, room_id, txn_id, content, at) VALUES (?, ?, ?, ?, ?)')
  const prunePrepared = database.prepare('DELETE FROM crypto_prepared WHERE at < ?')
  const insertOutgoing = database.prepare('INSERT INTO crypto_outgoing (own_user, type, txn_id, messages) VALUES (?, ?, ?, ?)')
  const selectOutgoing = database.prepare<[string], OutgoingRow>('SELECT * FROM crypto_outgoing WHERE own_user = ? ORDER BY id LIMIT 1')
  const selectSenders = database.prepare<[], { own_user: string }>('SELECT DISTINCT own_user FROM crypto_outgoing LIMIT 1000')
  const deleteOutgoing = database.prepare('DELETE FROM crypto_outgoing WHERE id = ?')
  return {
    selectPrepared: (ownUser: string, roomId: string, txnId: string) => selectPrepared.get(ownUser, roomId, txnId)?.content,
    insertPrepared: (ownUser: string, roomId: string, txnId: string, content: string, at: number) =>
      insertPrepared.run(ownUser, roomId, txnId, content, at),
    prunePrepared: (before: number) => prunePrepared.run(before),
    insertOutgoing: (ownUser: string, type: string, txnId: string, messages: string) => insertOutgoing.run(ownUser, type, txnId, messages),
    selectOutgoing: (ownUser: string) => selectOutgoing.get(ownUser),
    selectSenders: () => selectSenders.all().map((row) => row.own_user),
    deleteOutgoing: (id: number) => deleteOutgoing.run(id),
  }
}

function endStatements(database: Database) {
  const pruneRetired = [
    'DELETE FROM crypto_outbound_keys WHERE session_id IN (SELECT session_id FROM crypto_outbound_sessions WHERE live = 0 AND created_at < ?)',
    'DELETE FROM crypto_outbound_shares WHERE session_id IN (SELECT session_id FROM crypto_outbound_sessions WHERE live = 0 AND created_at < ?)',
    'DELETE FROM crypto_outbound_sessions WHERE live = 0 AND created_at < ?',
  ].map((sql) => database.prepare(sql))
  const forget = [
    'DELETE FROM crypto_outbound_keys WHERE session_id IN (SELECT session_id FROM crypto_outbound_sessions WHERE own_user = ?)',
    'DELETE FROM crypto_outbound_shares WHERE session_id IN (SELECT session_id FROM crypto_outbound_sessions WHERE own_user = ?)',
    'DELETE FROM crypto_outbound_sessions WHERE own_user = ?',
    'DELETE FROM crypto_prepared WHERE own_user = ?',
    'DELETE FROM crypto_outgoing WHERE own_user = ?',
  ].map((sql) => database.prepare(sql))
  return {
    pruneRetired: (before: number) => {
      for (const statement of pruneRetired) statement.run(before)
    },
    forget: (ownUser: string) => {
      for (const statement of forget) statement.run(ownUser)
    },
  }
}
