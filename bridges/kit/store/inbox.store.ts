import type { Store } from './store.ts'

export type InboxRow = { seq: number; dedup: string; raw: Buffer; attempts: number; received_at: number }

/** Keeps what is new; copies of what was seen change nothing. All of it is on disk when this returns. Gives how many were new. */
export function insertInbox({ database, atomically }: Store, items: readonly { dedup: string; raw: Buffer }[], now: number): number {
  const insert = database.prepare('INSERT OR IGNORE INTO inbox (dedup, raw, received_at) VALUES (?, ?, ?)')
  return atomically(() => items.reduce((count, { dedup, raw }) => count + insert.run(dedup, raw, now).changes, 0))
}

export function selectNewInbox({ database }: Store, after: number, limit: number): InboxRow[] {
  const rows = database.prepare<[number, number], InboxRow>(
    "SELECT seq, dedup, raw, attempts, received_at FROM inbox WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

/** Items whose message stands in the room, but for files that are still to be fetched. */
export function selectLateInbox({ database }: Store, after: number, limit: number): InboxRow[] {
  const rows = database.prepare<[number, number], InboxRow>(
    "SELECT seq, dedup, raw, attempts, received_at FROM inbox WHERE state = 'late' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

/** The message is in its room and holds up nobody; its files come when they can be had. It goes to the end of those that are late. */
export function delayInbox({ database, atomically }: Store, { seq, dedup, raw, received_at: at }: InboxRow): void {
  atomically(() => {
    database.prepare('DELETE FROM inbox WHERE seq = ?').run(seq)
    database.prepare("INSERT INTO inbox (dedup, raw, state, received_at) VALUES (?, ?, 'late', ?)").run(dedup, raw, at)
  })
}

/** Marks an item as applied, or as one that this version has no use for. The body goes, the key stays: it is the guard against a replay. */
export function finishInbox({ database, lazily }: Store, seq: number, state: 'done' | 'ignored'): void {
  const update = database.prepare('UPDATE inbox SET state = ?, raw = NULL, waits = NULL WHERE seq = ?')
  lazily(() => update.run(state, seq))
}

/** One more try has failed; after the last the item is set aside, with its body. */
export function failInbox({ database }: Store, seq: number, last: boolean): void {
  database.prepare("UPDATE inbox SET attempts = attempts + 1, state = iif(?, 'quarantined', state) WHERE seq = ?").run(last ? 1 : 0, seq)
}

/** Forgets old keys, and the bodies of what was set aside long ago. The networks repeat themselves for a week. */
export function forgetInbox({ database }: Store, before: number): void {
  database.prepare("DELETE FROM inbox WHERE state NOT IN ('new', 'late', 'waiting') AND received_at < ?").run(before)
}

/** Sets an item aside until the message that it is about has come. */
export function parkInbox({ database }: Store, seq: number, waits: string): void {
  database.prepare("UPDATE inbox SET state = 'waiting', waits = ? WHERE seq = ?").run(waits, seq)
}

/** Puts what waited for a message at the end of the queue, in its old order. */
export function releaseInbox({ database }: Store, waits: string): void {
  type Row = { seq: number; dedup: string; raw: Buffer; received_at: number }
  const rows = database.prepare<[string], Row>('SELECT seq, dedup, raw, received_at FROM inbox WHERE waits = ? ORDER BY seq').all(waits)
  for (const { seq, dedup, raw, received_at: at } of rows) {
    database.prepare('DELETE FROM inbox WHERE seq = ?').run(seq)
    database.prepare('INSERT INTO inbox (dedup, raw, received_at) VALUES (?, ?, ?)').run(dedup, raw, at)
  }
}

/** Gives up on what has waited since before then; its key stays, as the guard against a replay. */
export function expireWaiting({ database }: Store, before: number): void {
  database.prepare("UPDATE inbox SET state = 'ignored', raw = NULL, waits = NULL WHERE state = 'waiting' AND received_at < ?").run(before)
}
