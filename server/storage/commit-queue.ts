import type { Outcome, Part, RoomClaim, Select } from './database.ts'

/** What became of a part. `part` is the one that was written, which may have been decided again; `rows` are what its writes gave back. */
export type PartResult =
  | { readonly kind: 'written'; readonly part: Part; readonly rows?: readonly unknown[] }
  | { readonly kind: 'dropped'; readonly guard: string }
  | { readonly kind: 'stale'; readonly version: number }
  | { readonly kind: 'failed'; readonly error: unknown }

/** `before` is the position before the batch: the log rows of its written parts follow in order. */
export type BatchResult = { readonly before: number; readonly results: readonly PartResult[] }

/** Takes those into the batch that have come meanwhile, as long as they fit; they stand behind its parts, in order. */
export type Join = (fits: (part: Part) => boolean) => readonly Part[]

/** What a queue needs of its engine. */
export type BatchWriter = {
  /**
   * Writes parts (and those that it lets join) in one transaction, in order: all, or the first of them; the rest is handed over again. Rejects only
   * when none was written.
   */
  readonly write: (parts: readonly Part[], join: Join) => Promise<BatchResult>
  readonly select: Select
  /** Applies a batch and moves the notifier; everything up to `before` is applied first. */
  readonly advance: (result: BatchResult, apply: () => void) => Promise<void>
  readonly failed: (error: unknown) => void
}

export type CommitQueue = { readonly commit: (part: Part) => Promise<Outcome>; readonly close: () => Promise<void> }

type Entry = { part: Part; readonly resolve: (outcome: Outcome) => void; readonly reject: (error: unknown) => void }

/** How long a batch waits for its next part, in milliseconds. */
const patience = 0.1
const nextTurn = () => new Promise<void>((turn) => setImmediate(turn))
const largestBatch = { parts: 512, bytes: 4 << 20 }

/**
 * The commit queue: parts join the open batch while the one before it is written. On an idle server a batch leaves at the end of the tick. One with
 * fewer parts than the one before it waits a moment for each that may still come: those who were answered together ask together again.
 * A batch is applied in the order of its positions, then the notifier moves, then its parts are answered.
 */
export function commitQueue(writer: BatchWriter): CommitQueue {
  let waiting: Entry[] = []
  let running: Promise<void> | undefined
  let closed = false
  let lastSize = 1

  async function gather(): Promise<void> {
    let count = 0
    let newest = 0
    while (waiting.length < lastSize) {
      if (waiting.length > count) newest = performance.now()
      else if (performance.now() - newest > patience) return
      count = waiting.length
      await nextTurn()
    }
  }

  async function run(): Promise<void> {
    await nextTurn()
    while (waiting.length > 0) {
      await gather()
      const batch = takeBatch(waiting)
      waiting = waiting.slice(batch.length)
      lastSize = batch.length
      const join: Join = (fits) => {
        const end = waiting.findIndex(({ part }) => !fits(part))
        const joined = waiting.splice(0, end < 0 ? waiting.length : end)
        batch.push(...joined)
        return joined.map(({ part }) => part)
      }
      const again = await writeBatch(writer, batch, join)
      waiting = [...again, ...waiting]
    }
    running = undefined
  }

  return {
    commit(part) {
      if (closed) return Promise.reject(new Error('the database is closed'))
      return new Promise((resolve, reject) => {
        waiting.push({ part, resolve, reject })
        running ??= run()
      })
    },
    async close() {
      closed = true
      await running
    },
  }
}

function takeBatch(waiting: readonly Entry[]): Entry[] {
  let parts = 0
  let bytes = 0
  while (parts < waiting.length && parts < largestBatch.parts && bytes < largestBatch.bytes) bytes += sizeOf(waiting[parts++]!.part)
  return waiting.slice(0, parts)
}

function sizeOf(part: Part): number {
  let size = 0
  for (const { parameters } of part.writes) {
    for (const value of parameters)
      size += value instanceof Uint8Array || typeof value === 'string' || Array.isArray(value) ? value.length : 8
  }
  return size
}

/** Writes, applies and answers a batch; returns the entries that have to be written again, in order. */
async function writeBatch(writer: BatchWriter, batch: readonly Entry[], join: Join): Promise<Entry[]> {
  const parts = batch.map((entry) => entry.part)
  const written = await writer.write(parts, join).catch((error: unknown) => {
    for (const entry of batch) entry.reject(error)
  })
  if (!written) return []
  const firsts = firstPositions(written)
  await writer.advance(written, () => apply(writer, written.results, firsts))
  const stale: { entry: Entry; version: number }[] = []
  for (const [place, result] of written.results.entries()) {
    const entry = batch[place]!
    if (result.kind === 'written') entry.resolve(outcomeOf(result, firsts[place]!))
    else if (result.kind === 'dropped') entry.resolve({ ok: false, guard: result.guard })
    else if (result.kind === 'failed') entry.reject(result.error)
    else stale.push({ entry, version: result.version })
  }
  return [...(await decideAll(writer.select, stale)), ...batch.slice(written.results.length)]
}

function outcomeOf(result: PartResult & { readonly kind: 'written' }, first: number): Outcome {
  const position = first + Math.max(logged(result) - 1, 0)
  return result.rows === undefined ? { ok: true, position } : { ok: true, position, rows: result.rows }
}

const logged = (result: PartResult) => (result.kind === 'written' ? (result.part.log?.length ?? 0) : 0)

/** The first position of each part; for one without log rows that of the row before it. */
function firstPositions({ before, results }: BatchResult): number[] {
  let last = before
  return results.map((result) => {
    const rows = logged(result)
    const first = rows > 0 ? last + 1 : last
    last += rows
    return first
  })
}

function apply(writer: BatchWriter, results: readonly PartResult[], firsts: readonly number[]): void {
  for (const [place, result] of results.entries()) {
    if (result.kind !== 'written' || !result.part.applied) continue
    try {
      result.part.applied(firsts[place]!)
    } catch (error) {
      writer.failed(error)
    }
  }
}

/** Decides the parts of rooms that moved on again, in order; each claims the version after the one decided before it in its room. */
async function decideAll(select: Select, stale: readonly { readonly entry: Entry; readonly version: number }[]): Promise<Entry[]> {
  const versions = new Map<string, number>()
  const again: Entry[] = []
  for (const { entry, version: found } of stale) {
    const claim = entry.part.room as RoomClaim
    const version = versions.get(claim.id) ?? found
    try {
      const part = await claim.decideAgain(select, version, found)
      versions.set(claim.id, part?.room ? version + 1 : version)
      if (part) again.push({ ...entry, part })
      else entry.resolve({ ok: false, guard: 'room' })
    } catch (error) {
      entry.reject(error)
    }
  }
  return again
}
