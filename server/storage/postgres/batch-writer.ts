import type { BatchResult } from '../commit-queue.ts'
import type { Part } from '../database.ts'
import { type BatchOptions, writeBatch } from './batch-transaction.ts'
import { ConnectionLost, type Session } from './session.ts'

const largest = 512
/**
 * Serialization failure, deadlock, lock timeout: it may go well the next time. So may a unique violation: another process wrote the row after the
 * guard had looked for it, and the guard finds it now.
 */
const transientCodes = new Set(['40001', '40P01', '55P03', '23505'])
const attempts = 5

/**
 * Writes the first of the parts, as many as can go together, in one transaction; gives the results of those. An error splits the batch in halves until
 * the culprit stands alone and fails.
 */
export function batchWriter(options: BatchOptions): (parts: readonly Part[]) => Promise<BatchResult> {
  let batch = 0
  let limit = largest
  return async (parts) => {
    for (let attempt = 1; ; attempt++) {
      const together = parts.slice(0, Math.min(limit, apart(parts)))
      const session = await options.writer.current()
      try {
        const result = await writeBatch(session, together, ++batch, options)
        limit = Math.min(limit * 2, largest)
        return result
      } catch (error) {
        if (error instanceof ConnectionLost) continue
        await rollBack(session)
        if (transientCodes.has((error as { code?: string }).code ?? '') && attempt < attempts) continue
        if (together.length === 1) return { before: 0, results: [{ kind: 'failed', error }] }
        limit = together.length >> 1
      }
    }
  }
}

async function rollBack(session: Session): Promise<void> {
  await session.send([{ sql: 'ROLLBACK', parameters: [] }]).catch(() => session.end())
}

/**
 * How many parts from the first can share a transaction. Guards are read before any part of the batch is written: a part that expects a row begins a
 * batch, because a part before it may take the row away; two that expect no row by the same guard can't be together.
 */
function apart(parts: readonly Part[]): number {
  const seen = new Set<string>()
  for (const [place, { guards = [] }] of parts.entries()) {
    const keys = guards.map(({ statement, parameters }) => JSON.stringify([statement.id, parameters]))
    if (place > 0 && guards.some((guard) => guard.expects === 'row')) return place
    if (keys.some((key) => seen.has(key))) return place
    for (const key of keys) seen.add(key)
  }
  return parts.length
}
