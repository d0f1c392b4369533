import type { Store } from './store.ts'

/** What somebody did to a message that stands in a room as this event. */
export type Change = { readonly target: string; readonly sender: string; readonly kind: 'reaction' | 'edit' | 'deleted' }

/** When it was done last, in the network's time. */
export function selectChangedAt({ pluck }: Store, { target, sender, kind }: Change): number | undefined {
  const at = pluck<[string, string, string], number>('SELECT at FROM changes WHERE target = ? AND sender = ? AND kind = ?')
  return at.get(target, sender, kind)
}

/** Notes that it was done; the newest time stays. */
export function putChange({ prepare }: Store, { target, sender, kind }: Change, at: number, now: number): void {
  const put = prepare(
    `INSERT INTO changes (target, sender, kind, at, seen) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (target, sender, kind) DO UPDATE SET at = max(at, excluded.at), seen = excluded.seen`,
  )
  put.run(target, sender, kind, at, now)
}

/** Whether the message was taken back by anybody. */
export function isTakenBack({ pluck }: Store, target: string): boolean {
  const found = pluck<[string], number>("SELECT 1 FROM changes WHERE target = ? AND kind = 'deleted' LIMIT 1")
  return found.get(target) === 1
}

export function forgetChanges({ prepare }: Store, before: number): void {
  prepare('DELETE FROM changes WHERE seen < ?').run(before)
}
