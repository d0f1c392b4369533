import { setImmediate } from 'node:timers/promises'
import type { Log } from './kit.ts'
import { isTransient, MatrixRequestError } from './matrix/side.ts'
import { createSlots } from './slots.ts'
import type { Waiting } from './store/store.ts'

/** Not now, but later: what a handler throws to be tried again without counting it as a failure. */
export class Later extends Error {
  readonly afterMs: number | undefined
  constructor(words: string, afterMs?: number) {
    super(words)
    this.afterMs = afterMs
  }
}

/** Not before a time that is known exactly: nothing is wrong. */
export class Paced extends Later {}

export type FeedRow = { readonly seq: number; readonly attempts?: number }
export type FeedOptions<Row extends FeedRow> = {
  readonly name: string
  /** Which rows are still to be handled after a sequence number, oldest first, and the lane of each. */
  waiting(after: number, limit: number): readonly Waiting[]
  /** Rows of one lane that are still to be handled after a sequence number, oldest first. They are handled one after another; lanes run side by side. */
  select(lane: string, after: number, limit: number): readonly Row[]
  /** Must be repeatable: it runs again after whatever interrupted it. Ends by marking the row. */
  handle(row: Row, signal: AbortSignal): Promise<void>
  /** It failed for a reason that waiting does not mend; after the last time the row is set aside. */
  failed(row: Row, last: boolean): void
  readonly log: Log
}
export type Feed = {
  /** There may be new rows; or some that were passed over, from a sequence number on. A lane takes those up after what it is trying just now. */
  wake(from?: number): void
  /** Ends when nothing that is known is left to do. */
  idle(): Promise<void>
  /** Takes no new row and ends when those at work have ended or given up waiting. */
  stop(): Promise<void>
}

/** `last`: the row up to which the lane was read; `more`: whether there may be others after it. */
type Lane<Row> = { readonly name: string; rows: Row[]; last: number; more: boolean; done: Promise<void> }

const batch = 100
const mostInLane = 25
const mostAtOnce = 1000
const mostAttempts = 5
const unreadableMs = 1000

/**
 * Works through a durable queue. One cursor goes over all rows, and only says which lanes have something to do; a lane reads its rows itself, a few at a
 * time. So a lane that is stuck holds one row in memory, however many wait behind it, and costs the others nothing. A row that fails for good is set
 * aside after five tries and holds only its own lane until then.
 */
export function createFeed<Row extends FeedRow>(options: FeedOptions<Row>): Feed {
  const stopping = new AbortController()
  const { signal } = stopping
  const lanes = new Map<string, Lane<Row>>()
  const slots = createSlots(mostAtOnce, mostAtOnce - batch, () => cursor.start())

  const follow = async (lane: Lane<Row>) => {
    while (!signal.aborted) {
      let row: Row | undefined
      try {
        row = takeRow(options, lane, cursor.at())
        if (!row) break
        await work(options, row, { lane, slots, signal })
      } catch (error) {
        if (row) readAgain(lane, row.seq)
        await unreadable(options, error, signal)
      }
    }
    lanes.delete(lane.name)
  }
  const offer = ({ lane: name, seq }: Waiting) => {
    const known = lanes.get(name)
    if (known) known.more = true
    else {
      const lane: Lane<Row> = { name, rows: [], last: seq - 1, more: true, done: Promise.resolve() }
      lanes.set(name, lane)
      lane.done = follow(lane)
    }
  }
  const cursor = createCursor(options, offer, () => !signal.aborted && slots.areLeft(), signal)
  const idle = async () => {
    while (cursor.isRunning() || lanes.size > 0) await Promise.all([cursor.ended(), ...[...lanes.values()].map(({ done }) => done)])
  }
  return {
    wake(from) {
      if (from !== undefined && from <= cursor.at()) {
        for (const lane of lanes.values()) if (lane.last >= from) readAgain(lane, from)
        cursor.goBack(from)
      }
      cursor.start()
    },
    idle,
    async stop() {
      stopping.abort()
      await idle()
    },
  }
}

/** Goes over the rows, batch by batch, as long as it may; the rest of the process has its turn between batches. */
function createCursor<Row extends FeedRow>(
  options: FeedOptions<Row>,
  offer: (waiting: Waiting) => void,
  mayGo: () => boolean,
  signal: AbortSignal,
) {
  let at = 0
  let due = false
  let running = false
  let ended = Promise.resolve()
  const go = async () => {
    while (due && mayGo()) {
      due = false
      try {
        const rows = options.waiting(at, batch)
        due = rows.length === batch
        for (const row of rows) {
          at = row.seq
          offer(row)
        }
      } catch (error) {
        due = true
        await unreadable(options, error, signal)
      }
      if (due) await setImmediate()
    }
    running = false
  }
  return {
    at: () => at,
    isRunning: () => running,
    ended: () => ended,
    goBack(from: number) {
      at = from - 1
    },
    start() {
      due = true
      if (running) return
      running = true
      ended = go()
    },
  }
}

/** The next row of a lane among those that the cursor has passed. */
function takeRow<Row extends FeedRow>({ select }: FeedOptions<Row>, lane: Lane<Row>, taken: number): Row | undefined {
  if (lane.rows.length === 0 && lane.more) {
    const rows = select(lane.name, lane.last, mostInLane)
    lane.rows = rows.filter(({ seq }) => seq <= taken)
    lane.more = lane.rows.length === mostInLane
    lane.last = lane.rows.at(-1)?.seq ?? lane.last
  }
  return lane.rows.shift()
}

/** What a lane has read from a row on is let go, to be read again when its turn comes. */
function readAgain(lane: Lane<FeedRow>, from: number): void {
  lane.rows = lane.rows.filter(({ seq }) => seq < from)
  lane.last = Math.min(lane.last, from - 1)
  lane.more = true
}

async function unreadable<Row extends FeedRow>({ log, name }: FeedOptions<Row>, error: unknown, signal: AbortSignal): Promise<void> {
  log('error', 'the queue could not be read or written', { queue: name, why: reason(error) })
  await pause(unreadableMs, signal)
}

type Work = { readonly lane: Lane<FeedRow>; readonly slots: ReturnType<typeof createSlots>; readonly signal: AbortSignal }

async function work<Row extends FeedRow>(options: FeedOptions<Row>, row: Row, { lane, slots, signal }: Work): Promise<void> {
  let failures = row.attempts ?? 0
  for (let tries = 0; !signal.aborted; tries++) {
    const error = await slots.run(async () => (signal.aborted ? undefined : attempt(options, row, signal)))
    if (error === undefined || signal.aborted) return
    const waits = error.why instanceof Later || isTransient(error.why)
    const last = !waits && ++failures >= mostAttempts
    const level = last ? 'error' : (tries === 0 && waits) || error.why instanceof Paced ? 'debug' : 'warn'
    const facts = { queue: options.name, seq: row.seq, why: reason(error.why) }
    options.log(level, last ? 'set aside after five tries' : 'will try again', facts)
    if (!waits) options.failed(row, last)
    if (last) return
    readAgain(lane, row.seq + 1)
    await pause(waitFor(error.why, tries), signal)
    // Told meanwhile of an earlier row: that one goes first.
    if (lane.last < row.seq) return
  }
}

async function attempt<Row extends FeedRow>(
  { handle }: FeedOptions<Row>,
  row: Row,
  signal: AbortSignal,
): Promise<undefined | { why: unknown }> {
  try {
    await handle(row, signal)
    return undefined
  } catch (why) {
    return { why }
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
const longestAskedMs = 3_600_000

function waitFor(error: unknown, tries: number): number {
  if (error instanceof Paced) return Math.min(error.afterMs ?? firstWaitMs, longestAskedMs)
  const asked = error instanceof Later ? error.afterMs : error instanceof MatrixRequestError ? error.retryAfterMs : undefined
  const grown = Math.min(firstWaitMs * 2 ** Math.min(tries, 10), longestWaitMs)
  return Math.max(Math.min(asked ?? 0, longestAskedMs), grown) * (1 + Math.random() / 4)
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
