import type { BatchResult, Join } from '../commit-queue.ts'
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
const lockTimeout = '55P03'
/**
 * PostgreSQL ends what is idle in a transaction, and not what cannot get rid of an answer, or waits for the rest of what it is sent: a process that was
 * frozen while it read a long one, or between two halves of what it sent, would hold its rooms until it goes on.
 */
const endStuck = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
  AND pid <> pg_backend_pid() AND application_name LIKE 'tombolo-%' AND state <> 'idle' AND wait_event IN ('ClientRead', 'ClientWrite')
  AND query_start < clock_timestamp() - interval '2 seconds'`

/**
 * Writes the first of the parts, as many as can go together, in one transaction; gives the results of those. An error splits the batch in halves until
 * the culprit stands alone and fails. Parts that come while the batch waits for the locks of its rooms join it: with several processes in one room,
 * most of the time is spent there.
 */
export function batchWriter(options: BatchOptions): (parts: readonly Part[], join: Join) => Promise<BatchResult> {
  let batch = 0
  let limit = largest
  return async (first, join) => {
    let parts = first
    for (let attempt = 1; ; attempt++) {
      let together = parts.slice(0, Math.min(limit, apart(parts)))
      const session = await options.writer.current()
      const joining = (locked: ReadonlySet<string>) => {
        const late = together.length < parts.length ? [] : join(latecomers(together, limit, locked))
        together = [...together, ...late]
        parts = [...parts, ...late]
        return late
      }
      try {
        const result = await writeBatch(session, together, ++batch, { ...options, joining })
        limit = Math.min(limit * 2, largest)
        return result
      } catch (error) {
        if (error instanceof ConnectionLost) continue
        await rollBack(session)
        const { code = '' } = error as { code?: string }
        if (code === lockTimeout) await session.send([{ sql: endStuck, parameters: [] }]).catch(() => undefined)
        if (transientCodes.has(code) && attempt < attempts) continue
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
  for (const [place, part] of parts.entries()) {
    const { guards = [] } = part
    const keys = guardKeys(part)
    if (place > 0 && guards.some((guard) => guard.expects === 'row')) return place
    if (keys.some((key) => seen.has(key))) return place
    for (const key of keys) seen.add(key)
  }
  return parts.length
}

const guardKeys = ({ guards = [] }: Part) => guards.map(({ statement, parameters }) => JSON.stringify([statement.id, parameters]))

/** Which parts may join a batch whose rooms are locked: those that need no other lock, and could have been in it from the start. */
function latecomers(together: readonly Part[], limit: number, locked: ReadonlySet<string>): (part: Part) => boolean {
  const seen = new Set(together.flatMap(guardKeys))
  let count = together.length
  return (part) => {
    const keys = guardKeys(part)
    const fits = count < limit && (part.room === undefined || locked.has(part.room.id)) && !keys.some((key) => seen.has(key))
    if (!fits || part.guards?.some((guard) => guard.expects === 'row')) return false
    for (const key of keys) seen.add(key)
    count++
    return true
  }
}
