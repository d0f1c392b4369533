import type { Logged, LogRow } from './database.ts'
import { type LogRing, logRing } from './log-ring.ts'
import type { Notifier } from './notifier.ts'
import { subscriptions } from './subscriptions.ts'

/** The notifier as its engine holds it: the engine moves it. */
export type MovingNotifier = Notifier & {
  /**
   * Rows of this process became durable right after position `before`. Rows of other processes up to there are applied first, then `apply` is
   * called, then the position moves.
   */
  own(before: number, rows: readonly LogRow[], apply: () => void): Promise<void>
  /** The log on disk reaches `position`, by rows of other processes. Rejects when the log could not be read: tell it again. */
  foreign(position: number): Promise<void>
  /** Ends every wait with false. */
  end(): void
}

/** Reads rows in (after, upTo] from the log table, in order. */
export type ReadLog = (after: number, upTo: number, limit: number) => Promise<Logged[]>

const page = 4096

/** A notifier that stands at `start`, with `size` rows kept in memory. `failed` is told what a listener threw. */
export function movingNotifier(start: number, readLog: ReadLog, failed: (error: unknown) => void, size = 65_536): MovingNotifier {
  let position = start
  const ring = logRing(size, start)
  const interests = subscriptions(ring)
  const applies: ((rows: readonly Logged[]) => Promise<void> | void)[] = []
  const heard = advanceListeners(failed)
  const moved = positionWaits(() => position)
  const alsoWoken = wakeTable()
  let moving: Promise<void> = Promise.resolve()
  let moves = 0

  function move(rows: readonly Logged[]): void {
    if (rows.length === 0) return
    const woken = appendAll(ring, rows, alsoWoken.keysOf)
    position = rows[rows.length - 1]!.position
    interests.wake(woken)
    moved.wake()
    heard.tell(position, rows)
  }
  async function pump(upTo: number): Promise<void> {
    while (position < upTo) {
      const rows = await readLog(position, upTo, page)
      if (rows.length === 0) throw new Error(`the log ends before position ${upTo}`)
      for (const apply of applies) await apply(rows)
      move(rows)
    }
  }
  function inTurn(task: () => Promise<void> | void): Promise<void> {
    moves++
    const done = moving.then(task).finally(() => moves--)
    moving = done.catch(() => {})
    return done
  }
  function follow(before: number, rows: readonly LogRow[], apply: () => void): void {
    apply()
    move(rows.map(({ kind, key }, place) => ({ position: before + 1 + place, kind, key })))
  }

  return {
    position: () => position,
    subscribe: interests.subscribe,
    changes: (keys, after, upTo) => (after < ring.floor() ? undefined : ring.changes(keys, after, upTo)),
    rows: async (after, upTo, limit) =>
      after < ring.floor() ? readLog(after, Math.min(upTo, position), limit) : ring.rows(after, upTo, limit),
    reached: moved.reached,
    beforeAdvance: (apply) => void applies.push(apply),
    alsoWake: alsoWoken.add,
    wakeLate: (keys, late) => interests.wake(new Map([...keys].map((key) => [key, late]))),
    onAdvance: heard.add,
    own(before, rows, apply) {
      if (moves === 0 && position === before) return Promise.resolve(follow(before, rows, apply))
      return inTurn(() => pump(before).then(() => follow(before, rows, apply)))
    },
    foreign: (upTo) => (upTo <= position ? Promise.resolve() : inTurn(() => pump(upTo))),
    end() {
      interests.close()
      moved.end()
    },
  }
}

/** Those who follow every move; what one of them throws is told and stops nobody. */
function advanceListeners(failed: (error: unknown) => void) {
  const listeners = new Set<(position: number, rows: readonly Logged[]) => void>()
  return {
    add(listener: (position: number, rows: readonly Logged[]) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(position: number, rows: readonly Logged[]) {
      for (const listener of [...listeners]) attempt(() => listener(position, rows), failed)
    },
  }
}

function attempt(call: () => void, failed: (error: unknown) => void): void {
  try {
    call()
  } catch (error) {
    failed(error)
  }
}

type KeysOf = (key: string) => Iterable<string>

/** Which keys the rows of a kind wake beside their own. */
function wakeTable() {
  const byKind = new Map<string, KeysOf[]>()
  return {
    add(kind: string, keysOf: KeysOf): void {
      byKind.set(kind, [...(byKind.get(kind) ?? []), keysOf])
    },
    keysOf(row: Logged): readonly string[] {
      const sources = byKind.get(row.kind)
      return sources ? sources.flatMap((keysOf) => [...keysOf(row.key)]) : none
    },
  }
}

const none: readonly string[] = []

/** Appends rows to the ring; returns the keys they wake, each with the position of its newest row. */
function appendAll(ring: LogRing, rows: readonly Logged[], keysOf: (row: Logged) => readonly string[]): Map<string, number> {
  const woken = new Map<string, number>()
  for (const row of rows) {
    const also = keysOf(row)
    ring.append(row, also)
    woken.set(row.key, row.position)
    for (const key of also) woken.set(key, row.position)
  }
  return woken
}

/** Waits for a position. */
function positionWaits(position: () => number) {
  const waits = new Set<{ readonly until: number; readonly end: (reached: boolean) => void }>()
  return {
    wake(): void {
      for (const wait of waits) if (wait.until <= position()) wait.end(true)
    },
    end(): void {
      for (const wait of waits) wait.end(false)
    },
    reached(until: number, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
      if (until <= position()) return Promise.resolve(true)
      if (milliseconds <= 0 || signal?.aborted) return Promise.resolve(false)
      return new Promise((resolve) => {
        const end = (reached: boolean) => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', stop)
          waits.delete(wait)
          resolve(reached)
        }
        const stop = () => end(false)
        signal?.addEventListener('abort', stop, { once: true })
        const wait = { until, end }
        const timer = setTimeout(() => end(false), milliseconds)
        waits.add(wait)
      })
    },
  }
}
