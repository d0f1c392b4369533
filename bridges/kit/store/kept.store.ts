import type { OutboxRow } from './outbox.store.ts'
import type { Store } from './store.ts'

export type KeptRow = Pick<OutboxRow, 'seq' | 'portal'> & { waits: number; words: string | null }

/** The first part that a chat's person has to write before; undefined when none waits for them. */
export function selectFirstKept({ prepare }: Store, portal: string): KeptRow | undefined {
  const row = prepare<[string], KeptRow>(
    'SELECT seq, portal, waits, words FROM outbox WHERE portal = ? AND waits IS NOT NULL ORDER BY seq LIMIT 1',
  )
  return row.get(portal)
}

export type AwokenRow = { portal: string; seq: number; wroteAt: number }

/** The chats whose person has written since something was kept for them. */
export function selectAwoken({ prepare }: Store): AwokenRow[] {
  const rows = prepare<[], AwokenRow>(
    `SELECT portal, min(seq) AS seq, wrote_at AS wroteAt FROM outbox JOIN portals USING (portal)
     WHERE waits IS NOT NULL AND portals.heard > waits GROUP BY portal`,
  )
  return rows.all()
}

/** Everything that is kept for a chat may go. */
export function releaseKept({ prepare }: Store, portal: string): void {
  prepare('UPDATE outbox SET waits = NULL, class = NULL, words = NULL WHERE portal = ? AND waits IS NOT NULL').run(portal)
}

/** What was kept before a time and still is. */
export function selectKeptBefore({ pluck }: Store, before: number, limit: number): number[] {
  const rows = pluck<[number, number], number>('SELECT seq FROM outbox WHERE waits IS NOT NULL AND changed_at < ? ORDER BY seq LIMIT ?')
  return rows.all(before, limit)
}

/** The chats of an account for which something is kept. */
export function selectKeptChats({ pluck }: Store, login: string): string[] {
  const rows = pluck<[string], string>(
    'SELECT DISTINCT portal FROM outbox JOIN portals USING (portal) WHERE waits IS NOT NULL AND login = ?',
  )
  return rows.all(login)
}

/** A part goes along under another key from now on. */
export function updateOutboxKey({ prepare }: Store, seq: number, key: string, payload: Buffer): void {
  prepare('UPDATE outbox SET key = ?, payload = ? WHERE seq = ?').run(key, payload, seq)
}

/** A message of ours never came to be: the event does not stand for it any more. */
export function forgetMessage({ prepare }: Store, portal: string, remote: string): void {
  prepare('DELETE FROM messages WHERE portal = ? AND remote = ? AND own = 1').run(portal, remote)
}
