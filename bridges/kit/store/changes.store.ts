import type { Store } from './store.ts'

/** What somebody did to a message that stands in a room as this event. */
export type Change = { readonly target: string; readonly sender: string; readonly kind: 'reaction' | 'edit' | 'deleted' }

/** When it was done last, in the network's time. */
export function selectChangedAt({ database }: Store, { target, sender, kind }: Change): number | undefined {
  const at = database.prepare<[string, string, string], number>('SELECT at FROM changes WHERE target = ? AND sender = ? AND kind = ?')
  return at.pluck().get(target, sender, kind)
}

/** Notes that it was done; the newest time stays. */
export function putChange({ database }: Store, { target, sender, kind }: Change, at: number, now: number): void {
  const put = database.prepare(
    `INSERT INTO changes (target, sender, kind, at, seen) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (target, sender, kind) DO UPDATE SET at = max(at, excluded.at), seen = excluded.seen`,
  )
  put.run(target, sender, kind, at, now)
}

/** Whether the message was taken back by anybody. */
export function isTakenBack({ database }: Store, target: string): boolean {
  const found = database.prepare<[string], number>("SELECT 1 FROM changes WHERE target = ? AND kind = 'deleted' LIMIT 1")
  return found.pluck().get(target) === 1
}

export function forgetChanges({ database }: Store, before: number): void {
  database.prepare('DELETE FROM changes WHERE seen < ?').run(before)
}
