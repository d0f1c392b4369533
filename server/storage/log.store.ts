import type { BatchResult } from './commit-queue.ts'
import { type Logged, type LogRow, statement } from './database.ts'

/** Rows of the log in (after, upTo], in order, at most `limit`. */
export const selectLog = statement<[after: number, upTo: number, limit: number], Logged>(
  'SELECT position, kind, key FROM log WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
)

/** The log rows of a batch's written parts, in the order of their positions. */
export function logRowsOf({ results }: BatchResult): LogRow[] {
  return results.flatMap((result) => (result.kind === 'written' ? (result.part.log ?? []) : []))
}
