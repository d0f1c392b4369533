import type { Log } from './kit.ts'
import { isTransient, MatrixRequestError } from './matrix/side.ts'

/** Not now, but later: what a handler throws to be tried again without counting it as a failure. */
export class Later extends Error {
  readonly afterMs: number | undefined
  constructor(words: string, afterMs?: number) {
    super(words)
    this.afterMs = afterMs
  }
}

export type FeedOptions<Row extends { seq: number; attempts?: number }> = {
  readonly name: string
  /** Rows still to be handled after a sequence number, oldest first. */
  select(after: number, limit: number): readonly Row[]
  /** Rows of one lane are handled one after another, in order; lanes run side by side. */
  lane(row: Row): string
  /** Must be repeatable: it runs again after whatever interrupted it. Ends by marking the row. */
  handle(row: Row, signal: AbortSignal): Promise<void>
  /** It failed for a reason that waiting does not mend; after the last time the row is set aside. */
  failed(row: Row, last: boolean): void
  readonly log: Log
}
export type Feed = {
  /** There may be new rows; or some that were passed over, from a sequence number on. */
  wake(from?: number): void
  /** Ends when nothing that is known is left to do. */
  idle(): Promise<void>
  /** Takes no new row and ends when those at work have ended or given up waiting. */
  stop(): Promise<void>
}

const batch = 200
const mostAtOnce = 1000
const mostAttempts = 5

/** Works through a durable queue. A row that fails for good is set aside after five tries and holds only its own lane until then. */
export function createFeed<Row extends { seq: number; attempts?: number }>(options: FeedOptions<Row>): Feed {
  const { select, lane } = options
  const stopping = new AbortController()
  const tails = new Map<string, Promise<void>>()
  let taken = 0
  let pending = 0

  const start = (row: Row) => {
    const name = lane(row)
    pending++
    const tail = (tails.get(name) ?? Promise.resolve())
      .then(() => work(options, row, stopping.signal))
      .finally(() => {
        pending--
        if (tails.get(name) === tail) tails.delete(name)
        if (pending === mostAtOnce - batch || pending === 0) pump()
      })
    tails.set(name, tail)
  }
  const pump = () => {
    while (!stopping.signal.aborted && pending < mostAtOnce) {
      const rows = select(taken, batch)
      for (const row of rows) {
        taken = row.seq
        start(row)
      }
      if (rows.length < batch) return
    }
  }
  const idle = async () => {
    while (tails.size > 0) await Promise.all(tails.values())
  }
  return {
    wake(from) {
      if (from !== undefined) taken = Math.min(taken, from - 1)
      pump()
    },
    idle,
    async stop() {
      stopping.abort()
      await idle()
    },
  }
}

async function work<Row extends { seq: number; attempts?: number }>(
  options: FeedOptions<Row>,
  row: Row,
  signal: AbortSignal,
): Promise<void> {
  let failures = row.attempts ?? 0
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await options.handle(row, signal)
    } catch (error) {
      if (signal.aborted) return
      const waits = error instanceof Later || isTransient(error)
      const last = !waits && ++failures >= mostAttempts
      const level = last ? 'error' : tries === 0 && waits ? 'debug' : 'warn'
      options.log(level, last ? 'set aside after five tries' : 'will try again', { queue: options.name, seq: row.seq, why: reason(error) })
      if (!waits) options.failed(row, last)
      if (last) return
      await pause(waitFor(error, tries), signal)
    }
  }
}

/** Why something failed, in words that hold nothing of what was being handled. */
export function reason(error: unknown): string {
  if (error instanceof Later || error instanceof MatrixRequestError) return error.message
  if (!(error instanceof Error)) return 'unknown'
  const where = /\n\s+at [^\n]*?([\w.-]+\.ts:\d+)/.exec(error.stack ?? '')?.[1]
  return where ? `${error.name} at ${where}` : error.name
}

const firstWaitMs = 100
const longestWaitMs = 10_000

function waitFor(error: unknown, tries: number): number {
  const asked = error instanceof Later ? error.afterMs : error instanceof MatrixRequestError ? error.retryAfterMs : undefined
  const grown = Math.min(firstWaitMs * 2 ** Math.min(tries, 10), longestWaitMs)
  return Math.max(asked ?? 0, grown) * (1 + Math.random() / 4)
}

/** Waits; ends at once when the signal is given. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
