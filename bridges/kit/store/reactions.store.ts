import type { Store } from './store.ts'

export type ReactionRow = { event: string; room: string; target: string; sender: string; emoji: Buffer; at: number }
const columns = 'event, room, target, sender, emoji, at'

/** Notes a reaction that stands in a room. */
export function insertReaction({ prepare }: Store, row: ReactionRow): void {
  const insert = prepare(`INSERT OR IGNORE INTO reactions (${columns}) VALUES (@event, @room, @target, @sender, @emoji, @at)`)
  insert.run(row)
}

export function deleteReaction({ prepare }: Store, event: string): void {
  prepare('DELETE FROM reactions WHERE event = ?').run(event)
}

export function selectReaction({ prepare }: Store, event: string): ReactionRow | undefined {
  return prepare<[string], ReactionRow>(`SELECT ${columns} FROM reactions WHERE event = ?`).get(event)
}

/** The reactions to an event, the newest first. */
export function selectReactionsTo({ prepare }: Store, target: string): ReactionRow[] {
  const rows = prepare<[string], ReactionRow>(`SELECT ${columns} FROM reactions WHERE target = ? ORDER BY at DESC, event DESC`)
  return rows.all(target)
}
