import type { Store, Waiting } from './store.ts'

export type TransactionRow = { seq: number; txn: string; body: Buffer }
export type MatrixEventRow = { seq: number; event: string; room: string; body: Buffer; attempts: number; received_at: number }

/** Keeps a transaction of the homeserver; false when it is here already. On disk when this returns. */
export function insertTransaction({ prepare }: Store, txn: string, body: Buffer, now: number): boolean {
  return prepare('INSERT OR IGNORE INTO transactions (txn, body, received_at) VALUES (?, ?, ?)').run(txn, body, now).changes > 0
}

/** Which transactions are new: they go one after another. */
export function selectNewTransactionLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>(
    "SELECT seq, 'all' AS lane FROM transactions WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

export function selectNewTransactions({ prepare }: Store, after: number, limit: number): TransactionRow[] {
  const rows = prepare<[number, number], TransactionRow>(
    "SELECT seq, txn, body FROM transactions WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

export function finishTransaction({ prepare }: Store, seq: number): void {
  prepare("UPDATE transactions SET state = 'done', body = NULL WHERE seq = ?").run(seq)
}

/** Keeps an event to work on; one that was seen changes nothing. */
export function insertMatrixEvent({ prepare }: Store, event: string, room: string, body: Buffer, now: number): void {
  prepare('INSERT OR IGNORE INTO matrix_events (event, room, body, received_at) VALUES (?, ?, ?, ?)').run(event, room, body, now)
}

/** An event whose body is still kept. */
export function selectMatrixEvent({ prepare }: Store, event: string): { event: string; body: Buffer } | undefined {
  const row = prepare<[string], { event: string; body: Buffer }>(
    'SELECT event, body FROM matrix_events WHERE event = ? AND body IS NOT NULL',
  )
  return row.get(event)
}

/** New events of one room. */
export function selectNewMatrixEvents({ prepare }: Store, after: number, limit: number, room: string): MatrixEventRow[] {
  const rows = prepare<[number, string, number], MatrixEventRow>(
    `SELECT seq, event, room, body, attempts, received_at FROM matrix_events
     WHERE state = 'new' AND seq > ? AND room = ? ORDER BY seq LIMIT ?`,
  )
  return rows.all(after, room, limit)
}

/** Which events are new, and in which rooms. */
export function selectNewMatrixEventLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>(
    "SELECT seq, room AS lane FROM matrix_events WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

export function finishMatrixEvent({ prepare, lazily }: Store, seq: number, state: 'done' | 'ignored' | 'undecryptable'): void {
  const update = prepare("UPDATE matrix_events SET state = ?, body = iif(? = 'undecryptable', body, NULL) WHERE seq = ?")
  lazily(() => update.run(state, state, seq))
}

export function failMatrixEvent({ prepare }: Store, seq: number, last: boolean): void {
  const update = prepare("UPDATE matrix_events SET attempts = attempts + 1, state = iif(?, 'quarantined', 'new') WHERE seq = ?")
  update.run(last ? 1 : 0, seq)
}

/** Forgets transactions and events that were dealt with long ago. */
export function forgetTransactions({ prepare }: Store, before: number): void {
  prepare("DELETE FROM transactions WHERE state <> 'new' AND received_at < ?").run(before)
  prepare("DELETE FROM matrix_events WHERE state <> 'new' AND received_at < ?").run(before)
}
