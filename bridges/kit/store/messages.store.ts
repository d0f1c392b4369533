import type { Store } from './store.ts'

export type SendRow = {
  txn: string
  room: string
  sender: string
  device: string | null
  type: string
  content: Buffer
  ts: number | null
  event: string | null
}

export function selectSend({ prepare }: Store, txn: string): SendRow | undefined {
  const row = prepare<[string], SendRow>('SELECT txn, room, sender, device, type, content, ts, event FROM sends WHERE txn = ?')
  return row.get(txn)
}

/** When an event was made ready to be sent. */
export function selectSendTime({ pluck }: Store, txn: string): number | undefined {
  return pluck<[string], number>('SELECT at FROM sends WHERE txn = ?').get(txn)
}

export function insertSend(
  { prepare }: Store,
  { txn, room, sender, device, type, content, ts }: Omit<SendRow, 'event'>,
  now: number,
): void {
  const insert = prepare('INSERT INTO sends (txn, room, sender, device, type, content, ts, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  insert.run(txn, room, sender, device, type, content, ts, now)
}

/** The homeserver has the event: its bytes need not stay. */
export function finishSend({ prepare }: Store, txn: string, event: string): void {
  prepare("UPDATE sends SET event = ?, content = x'' WHERE txn = ?").run(event, txn)
}

/** Forgets what was sent long ago: what it came from is in the map of messages. */
export function forgetSends({ prepare }: Store, before: number): void {
  prepare('DELETE FROM sends WHERE event IS NOT NULL AND at < ?').run(before)
}

export type MessageRow = { portal: string; remote: string; part: number; event: string; remoteId: Buffer; own: boolean }

export function insertMessage({ prepare }: Store, { portal, remote, part, event, remoteId, own }: MessageRow): void {
  const insert = prepare('INSERT OR IGNORE INTO messages (portal, remote, part, event, remote_id, own) VALUES (?, ?, ?, ?, ?, ?)')
  insert.run(portal, remote, part, event, remoteId, own ? 1 : 0)
}

export function hasMessage({ pluck }: Store, portal: string, remote: string): boolean {
  return pluck<[string, string], number>('SELECT 1 FROM messages WHERE portal = ? AND remote = ?').get(portal, remote) === 1
}

export function hasPart({ pluck }: Store, portal: string, remote: string, part: number): boolean {
  const found = pluck<[string, string, number], number>('SELECT 1 FROM messages WHERE portal = ? AND remote = ? AND part = ?')
  return found.get(portal, remote, part) === 1
}

/** A note in the place of something that the network did not show stands as this part: what it was may follow under the same id. */
export const placeholderPart = 2000

/** Whether a message came as what it is, and not only as a note in its place. */
export function hasContent({ pluck }: Store, portal: string, remote: string): boolean {
  const found = pluck<[string, string, number], number>('SELECT 1 FROM messages WHERE portal = ? AND remote = ? AND part <> ?')
  return found.get(portal, remote, placeholderPart) === 1
}

/** The event of the note in the place of a message. */
export function selectPlaceholder({ pluck }: Store, portal: string, remote: string): string | undefined {
  const event = pluck<[string, string, number], string>('SELECT event FROM messages WHERE portal = ? AND remote = ? AND part = ?')
  return event.get(portal, remote, placeholderPart)
}

/** Whether anything came into a chat after a message of it: from its person, or from the account by another way. Looks at what is newer alone. */
export function hasLaterMessage({ pluck }: Store, portal: string, remote: string): boolean {
  const later = pluck<{ portal: string; remote: string }, number>(
    `SELECT 1 FROM messages NOT INDEXED
     WHERE rowid > (SELECT max(rowid) FROM messages WHERE portal = @portal AND remote = @remote) AND portal = @portal LIMIT 1`,
  )
  return later.get({ portal, remote }) === 1
}

/** The message of a chat that stands in the room as this event, its first part first. */
export function selectMessageOf({ prepare }: Store, portal: string, event: string): { remote: string; remoteId: Buffer } | undefined {
  const row = prepare<[string, string], { remote: string; remoteId: Buffer }>(
    'SELECT remote, remote_id AS remoteId FROM messages WHERE event = ? AND portal = ? ORDER BY part LIMIT 1',
  )
  return row.get(event, portal)
}

/** All messages of a chat as which an event was sent there, in the order of its parts. */
export function selectMessagesOf({ prepare }: Store, portal: string, event: string): { remote: string; remoteId: Buffer }[] {
  const rows = prepare<[string, string], { remote: string; remoteId: Buffer }>(
    'SELECT remote, remote_id AS remoteId FROM messages WHERE event = ? AND portal = ? ORDER BY part',
  )
  return rows.all(event, portal)
}

/** The events as which a message of a chat stands in the room. */
export function selectEventsOf({ pluck }: Store, portal: string, remote: string): string[] {
  const rows = pluck<[string, string], string>('SELECT event FROM messages WHERE portal = ? AND remote = ? ORDER BY part')
  return rows.all(portal, remote)
}
