import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionLost, openSession, type Session } from './session.ts'

/** Keeps one connection to write over, made again whenever it is lost. */
export type WriterSession = {
  readonly id: string
  /** A live connection; waits for the server for 30 s, then rejects. When it resolves, no earlier connection of this writer is at work any more. */
  readonly current: () => Promise<Session>
  /** The position of this writer's last batch if it is `batch`, undefined if that was never committed. Waits for the server as long as it takes. */
  readonly lookUp: (batch: number) => Promise<number | undefined>
  readonly close: () => Promise<void>
}

const patience = 30_000
const longestPause = 2000

/** A writer's connection to `url`. `warn` is told when the server can't be reached. */
export function writerSession(url: string, warn: (words: string, error: unknown) => void): WriterSession {
  const id = randomUUID()
  const name = `tombolo-${id}`
  const fence = randomInt(2 ** 47)
  const closing = new AbortController()
  let session: Session | undefined
  let pid = 0

  async function open(): Promise<Session> {
    const opened = await openSession({ url, name })
    try {
      const end = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = $2'
      if (pid > 0) await opened.send([{ sql: end, parameters: [pid, name] }])
      const lock = { sql: 'SELECT pg_advisory_lock($1)', parameters: [fence] }
      const [, own] = await opened.send([lock, { sql: 'SELECT pg_backend_pid() AS pid', parameters: [] }])
      pid = own![0]!['pid'] as number
      return opened
    } catch (error) {
      await opened.end()
      throw error
    }
  }

  async function connected(until: number): Promise<Session> {
    for (let pause = 20; !session || session.lost(); pause = Math.min(pause * 2, longestPause)) {
      if (closing.signal.aborted) throw new ConnectionLost('the database is closed')
      try {
        session = await open()
      } catch (error) {
        if (performance.now() + pause > until) throw error
        warn('PostgreSQL cannot be reached; trying again', error)
        await sleep(pause, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
    return session
  }

  return {
    id,
    current: () => connected(performance.now() + patience),
    async lookUp(batch) {
      for (;;) {
        const live = await connected(Number.POSITIVE_INFINITY)
        const query = { sql: 'SELECT batch, position FROM batches WHERE writer = $1', parameters: [id] }
        const rows = await live.send([query]).catch((error) => {
          if (!(error instanceof ConnectionLost)) throw error
        })
        const row = rows?.[0]?.[0]
        if (rows) return row?.['batch'] === batch ? (row['position'] as number) : undefined
      }
    },
    async close() {
      closing.abort()
      await session?.end()
    },
  }
}
