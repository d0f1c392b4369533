import type { Store, Waiting } from './store.ts'

export type InboxRow = {
  seq: number
  dedup: string
  lane: string | null
  raw: Buffer
  attempts: number
  received_at: number
  due: number | null
}
export type NewInboxRow = Pick<InboxRow, 'dedup' | 'lane' | 'raw'>
const columns = 'seq, dedup, lane, raw, attempts, received_at, due'

/** Keeps what is new; copies of what was seen change nothing. What has no lane stands aside at once. All of it is on disk when this returns. Gives how many were new. */
export function insertInbox({ prepare, atomically }: Store, items: readonly NewInboxRow[], now: number): number {
  const insert = prepare(
    `INSERT OR IGNORE INTO inbox (dedup, lane, raw, state, received_at) VALUES (@dedup, @lane, @raw, iif(@lane IS NULL, 'malformed', 'new'), @now)`,
  )
  return atomically(() => items.reduce((count, { dedup, lane, raw }) => count + insert.run({ dedup, lane, raw, now }).changes, 0))
}

/** New items of one lane. */
export function selectNewInbox({ prepare }: Store, after: number, limit: number, lane: string): InboxRow[] {
  const rows = prepare<[number, string, number], InboxRow>(
    `SELECT ${columns} FROM inbox WHERE state = 'new' AND seq > ? AND lane = ? ORDER BY seq LIMIT ?`,
  )
  return rows.all(after, lane, limit)
}

/** Which items are new, and in which lanes. */
export function selectNewInboxLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>("SELECT seq, lane FROM inbox WHERE state = 'new' AND seq > ? ORDER BY seq LIMIT ?")
  return rows.all(after, limit)
}

/** Items that an earlier version kept: it had no lanes. */
export function selectLaneless({ prepare }: Store, limit: number): InboxRow[] {
  const rows = prepare<[number], InboxRow>(
    `SELECT ${columns} FROM inbox WHERE lane IS NULL AND state IN ('new', 'waiting') ORDER BY seq LIMIT ?`,
  )
  return rows.all(limit)
}

export function updateLane({ prepare }: Store, seq: number, lane: string): void {
  prepare('UPDATE inbox SET lane = ? WHERE seq = ?').run(lane, seq)
}

/** Items whose message stands in the room, but for files that are still to be fetched. */
export function selectLateInbox({ prepare }: Store, after: number, limit: number): InboxRow[] {
  const rows = prepare<[number, number], InboxRow>(`SELECT ${columns} FROM inbox WHERE state = 'late' AND seq > ? ORDER BY seq LIMIT ?`)
  return rows.all(after, limit)
}

/** Which items are late: each is a lane of its own. */
export function selectLateInboxLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>(
    "SELECT seq, CAST(seq AS TEXT) AS lane FROM inbox WHERE state = 'late' AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

/** The message is in its room and holds up nobody; its files come when they can be had. It goes to the end of those that are late. */
export function delayInbox({ prepare, atomically }: Store, { seq, dedup, lane, raw, received_at: at }: InboxRow): void {
  atomically(() => {
    prepare('DELETE FROM inbox WHERE seq = ?').run(seq)
    prepare("INSERT INTO inbox (dedup, lane, raw, state, received_at) VALUES (?, ?, ?, 'late', ?)").run(dedup, lane, raw, at)
  })
}

/** Marks an item as applied, or as one that this version has no use for. The body goes, the key stays: it is the guard against a replay. */
export function finishInbox({ prepare, lazily }: Store, seq: number, state: 'done' | 'ignored'): void {
  const update = prepare('UPDATE inbox SET state = ?, raw = NULL, waits = NULL WHERE seq = ?')
  lazily(() => update.run(state, seq))
}

/** One more try has failed; after the last the item is set aside, with its body. */
export function failInbox({ prepare }: Store, seq: number, last: boolean): void {
  prepare("UPDATE inbox SET attempts = attempts + 1, state = iif(?, 'quarantined', state) WHERE seq = ?").run(last ? 1 : 0, seq)
}

/** Forgets old keys, and the bodies of what was set aside long ago. Looks at what is old alone. */
export function forgetInbox({ prepare, pluck }: Store, before: number): void {
  const oldest = pluck<[number], number>('SELECT seq FROM inbox WHERE received_at >= ? ORDER BY seq LIMIT 1').get(before)
  const forget = prepare("DELETE FROM inbox WHERE seq < ? AND state NOT IN ('new', 'late', 'waiting') AND received_at < ?")
  forget.run(oldest ?? Number.MAX_SAFE_INTEGER, before)
}

/** Lets go of the bodies of malformed items but for the newest: so many, and so many bytes of them. The keys stay. */
export function trimMalformed({ prepare }: Store, { items, bytes }: { items: number; bytes: number }, before: number): void {
  const update = prepare(
    `UPDATE inbox SET state = 'ignored', raw = NULL WHERE state = 'malformed' AND (received_at < @before OR seq <= (SELECT max(seq) FROM
     (SELECT seq, row_number() OVER newest AS items, sum(length(raw)) OVER newest AS bytes FROM inbox WHERE state = 'malformed' WINDOW newest AS (ORDER BY seq DESC))
     WHERE items > @items OR bytes > @bytes))`,
  )
  update.run({ items, bytes, before })
}

/** How many items stand aside: malformed, or given up after some tries. */
export function countAside({ pluck }: Store): number {
  const count = pluck<[], number>(
    `SELECT (SELECT count(*) FROM inbox WHERE state = 'malformed') + (SELECT count(*) FROM inbox WHERE state = 'quarantined')`,
  )
  return count.get() ?? 0
}

/** Sets an item aside until the message that it is about has come, or until it is due without it. */
export function parkInbox({ prepare }: Store, seq: number, waits: string, due: number | null): void {
  prepare("UPDATE inbox SET state = 'waiting', waits = ?, due = ? WHERE seq = ?").run(waits, due, seq)
}

/** Puts what waited for a message at the end of the queue, in its old order. */
export function releaseInbox(store: Store, waits: string): void {
  putBack(store, store.prepare<[string], InboxRow>(`SELECT ${columns} FROM inbox WHERE waits = ? ORDER BY seq`).all(waits))
}

/** Does so with what is due by now although its message has not come. Gives how many. */
export function releaseDue(store: Store, now: number): number {
  const due = store.prepare<[number], InboxRow>(`SELECT ${columns} FROM inbox WHERE state = 'waiting' AND due <= ? ORDER BY seq`)
  return store.atomically(() => putBack(store, due.all(now)))
}

export function updateDue({ prepare }: Store, seq: number, due: number): void {
  prepare('UPDATE inbox SET due = ? WHERE seq = ?').run(due, seq)
}

function putBack({ prepare }: Pick<Store, 'prepare'>, rows: readonly InboxRow[]): number {
  for (const { seq, dedup, lane, raw, received_at: at, due } of rows) {
    prepare('DELETE FROM inbox WHERE seq = ?').run(seq)
    prepare('INSERT INTO inbox (dedup, lane, raw, received_at, due) VALUES (?, ?, ?, ?, ?)').run(dedup, lane, raw, at, due)
  }
  return rows.length
}

/** Gives up on what has waited since before then; its key stays, as the guard against a replay. */
export function expireWaiting({ prepare }: Store, before: number): void {
  prepare("UPDATE inbox SET state = 'ignored', raw = NULL, waits = NULL WHERE state = 'waiting' AND received_at < ?").run(before)
}
