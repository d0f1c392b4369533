import type { Delivery } from '../delivery.ts'
import type { Store } from './store.ts'

/** `edit` and `undo` change on the network what was sent; `correction` and `withdrawal` tell of it in words; a `template` is words that the network approved. */
export type OutboxKind = 'text' | 'media' | 'place' | 'reaction' | 'edit' | 'undo' | 'correction' | 'withdrawal' | 'template'
export type OutboxRow = {
  seq: number
  key: string
  kind: OutboxKind
  target: string | null
  event: string
  room: string
  portal: string
  part: number
  parts: number
  payload: Buffer | null
  state: Delivery
  remote: string | null
  class: string | null
  words: string | null
  attempts: number
  submitted_at: number | null
  changed_at: number
  shown: string | null
  author: string | null
  lead: number
  /** Queued until the person writes again: how often they had written. */
  waits: number | null
  /** How often somebody had it sent once more. */
  again: number
  /** How often the person had written when it was given to the network last. */
  heard: number | null
  /** How often it was put back because it came too late. */
  returned: number
}
const columns =
  'seq, key, kind, target, event, room, portal, part, parts, payload, state, remote, class, words, attempts, submitted_at, changed_at, shown, author, lead, waits, again, heard, returned'

export type NewOutboxRow = Pick<
  OutboxRow,
  'key' | 'kind' | 'target' | 'event' | 'room' | 'portal' | 'part' | 'parts' | 'payload' | 'state' | 'class' | 'words' | 'author' | 'lead'
>

/** Adds a part of an event for a chat; one that is there already changes nothing. */
export function insertOutbox({ prepare }: Store, row: NewOutboxRow, now: number): void {
  const insert = prepare(
    `INSERT OR IGNORE INTO outbox (key, kind, target, event, room, portal, part, parts, payload, state, class, words, author, lead, changed_at)
     VALUES (@key, @kind, @target, @event, @room, @portal, @part, @parts, @payload, @state, @class, @words, @author, @lead, @now)`,
  )
  insert.run({ ...row, now })
}

export function selectOutbox({ prepare }: Store, seq: number): OutboxRow | undefined {
  return prepare<[number], OutboxRow>(`SELECT ${columns} FROM outbox WHERE seq = ?`).get(seq)
}

/** The last part that the person of a chat saw, or may have seen; also that something was taken back. */
export function selectLastSent({ prepare }: Store, portal: string): OutboxRow | undefined {
  const row = prepare<[string], OutboxRow>(
    `SELECT ${columns} FROM outbox WHERE portal = ? AND state IN ('submitting', 'unknown', 'submitted', 'sent', 'delivered', 'read')
     AND kind NOT IN ('reaction', 'edit') ORDER BY seq DESC LIMIT 1`,
  )
  return row.get(portal)
}

export function selectOutboxByKey({ prepare }: Store, key: string): OutboxRow | undefined {
  return prepare<[string], OutboxRow>(`SELECT ${columns} FROM outbox WHERE key = ?`).get(key)
}

export function selectOutboxByRemote({ prepare }: Store, remote: string): OutboxRow | undefined {
  return prepare<[string], OutboxRow>(`SELECT ${columns} FROM outbox WHERE remote = ?`).get(remote)
}

/** The parts of a chat whose sending is not settled: on their way now, cut off in it, or to be sent once more. */
export function selectUnsettled({ prepare }: Store, portal: string): OutboxRow[] {
  const rows = prepare<[string], OutboxRow>(
    `SELECT ${columns} FROM outbox WHERE portal = ? AND state IN ('queued', 'submitting', 'unknown') AND (state <> 'queued' OR again > 0) ORDER BY seq`,
  )
  return rows.all(portal)
}

/** Every part of a chat up to a row, or submitted up to a time, that the network has but that may have got further. */
export function selectUpTo({ prepare }: Store, portal: string, upTo: { seq: number } | { time: number }): OutboxRow[] {
  const { seq, time } = { seq: null, time: null, ...upTo }
  const rows = prepare<{ portal: string; seq: number | null; time: number | null }, OutboxRow>(
    `SELECT ${columns} FROM outbox WHERE portal = @portal AND state IN ('submitted', 'sent', 'delivered', 'failed') AND remote IS NOT NULL
     AND (seq <= @seq OR submitted_at <= @time) ORDER BY seq`,
  )
  return rows.all({ portal, seq, time })
}

export function selectParts({ prepare }: Store, event: string, portal: string): OutboxRow[] {
  return prepare<[string, string], OutboxRow>(`SELECT ${columns} FROM outbox WHERE event = ? AND portal = ? ORDER BY part`).all(
    event,
    portal,
  )
}

/** All parts of an event, for every chat that it goes to. */
export function selectAllParts({ prepare }: Store, event: string): OutboxRow[] {
  return prepare<[string], OutboxRow>(`SELECT ${columns} FROM outbox WHERE event = ? ORDER BY portal, part`).all(event)
}

/** What was queued for a chat about an event: corrections of it, reactions to it. */
export function selectAbout({ prepare }: Store, portal: string, target: string, kind: OutboxKind): OutboxRow[] {
  const rows = prepare<[string, string, string], OutboxRow>(
    `SELECT ${columns} FROM outbox WHERE target = ? AND portal = ? AND kind = ? ORDER BY seq`,
  )
  return rows.all(target, portal, kind)
}

/** Whether what a part says, or corrects, was taken back: the person has been told, or is to be, that it is not to be read. */
export function isWithdrawn(
  { pluck }: Store,
  { portal, event, kind, target }: Pick<OutboxRow, 'portal' | 'event' | 'kind' | 'target'>,
): boolean {
  const found = pluck<[string | null, string], number>(
    "SELECT 1 FROM outbox WHERE target = ? AND portal = ? AND kind IN ('undo', 'withdrawal') LIMIT 1",
  )
  return found.get(kind === 'correction' || kind === 'edit' ? target : event, portal) === 1
}

/** The parts whose state the room does not show yet. */
export function selectUnshown({ prepare }: Store, limit: number): OutboxRow[] {
  const rows = prepare<[number], OutboxRow>(
    `SELECT ${columns} FROM outbox WHERE shown IS NOT state AND (waits IS NOT NULL OR state NOT IN ('queued', 'submitting')) ORDER BY seq LIMIT ?`,
  )
  return rows.all(limit)
}

// What may still come back as undelivered is kept: WhatsApp refuses after it has taken.
const ended = "'unknown', 'failed', 'expired', 'submitted', 'sent'"
const kept = `'queued', 'submitting', ${ended}`

export type OutboxChange = {
  state: Delivery
  remote?: string | null
  class?: string | null
  words?: string | null
  submittedAt?: number | null
  waits?: number
  heard?: number
}

/** Writes a new state; the payload goes with the first state in which it is no longer needed. What waited for the person no longer does, unless the change says so. */
export function updateOutbox({ prepare }: Store, row: OutboxRow, change: OutboxChange, now: number): void {
  const update = prepare(
    `UPDATE outbox SET state = @state, remote = @remote, class = @class, words = @words, submitted_at = @submittedAt, changed_at = @now, waits = @waits, heard = @heard,
     payload = iif(@state IN (${kept}), payload, NULL) WHERE seq = @seq`,
  )
  const { remote, class: reason, words, submitted_at: submittedAt, heard, seq } = row
  update.run({ remote, class: reason, words, submittedAt, heard, waits: null, ...change, now, seq })
}

/** Lets go of what could be sent again of an event of a room that was taken back there. Of what may have arrived it is still to be recognised. */
export function forgetPayloadOf({ prepare }: Store, { event, room }: Pick<OutboxRow, 'event' | 'room'>): void {
  const forget = prepare(
    "UPDATE outbox SET payload = NULL WHERE event = ? AND room = ? AND state IN ('failed', 'expired', 'submitted', 'sent')",
  )
  forget.run(event, room)
}

/** Lets go of what was kept to be sent again, where nobody did. */
export function forgetPayloads({ prepare }: Store, before: number): void {
  prepare(`UPDATE outbox SET payload = NULL WHERE payload IS NOT NULL AND state IN (${ended}) AND changed_at < ?`).run(before)
}

/** Somebody wants a part sent once more: what became of the next try is shown anew. */
export function countAgain({ prepare }: Store, seq: number): void {
  prepare('UPDATE outbox SET again = again + 1, attempts = 0, shown = NULL WHERE seq = ?').run(seq)
}

/** A part was put back because it came too late: what becomes of the next try is shown anew. */
export function countReturn({ prepare }: Store, seq: number): void {
  prepare('UPDATE outbox SET returned = returned + 1 WHERE seq = ?').run(seq)
}

export function countAttempt({ prepare }: Store, seq: number): void {
  prepare('UPDATE outbox SET attempts = attempts + 1 WHERE seq = ?').run(seq)
}

export function updateShown({ prepare }: Store, seq: number, state: string): void {
  prepare('UPDATE outbox SET shown = ? WHERE seq = ?').run(state, seq)
}

/**
 * Sends that a stopped process left in the middle: whether they happened is not known here. Gives how many. What may be done twice is the exception:
 * it is done again.
 */
export function abandonSubmitting({ prepare }: Store, words: string, now: number): number {
  prepare("UPDATE outbox SET state = 'queued' WHERE state = 'submitting' AND kind IN ('reaction', 'edit', 'undo')").run()
  const update = prepare("UPDATE outbox SET state = 'unknown', class = 'interrupted', words = ?, changed_at = ? WHERE state = 'submitting'")
  return update.run(words, now).changes
}

export type OrphanRow = { remote: string; state: Delivery; class: string | null; words: string | null; at: number }

export function insertOrphan({ prepare }: Store, orphan: OrphanRow): void {
  const insert = prepare('INSERT OR IGNORE INTO orphans (remote, state, class, words, at) VALUES (@remote, @state, @class, @words, @at)')
  insert.run(orphan)
}

/** Takes out the states that came for a message before its id was known. */
export function takeOrphans({ prepare }: Store, remote: string): OrphanRow[] {
  return prepare<[string], OrphanRow>('DELETE FROM orphans WHERE remote = ? RETURNING remote, state, class, words, at').all(remote)
}

export function forgetOrphans({ prepare }: Store, before: number): void {
  prepare('DELETE FROM orphans WHERE at < ?').run(before)
}
