import { type Database, type Guard, guard, type Statement, type Write, write } from './database.ts'

/** The right to a piece of work; one process has it at a time. */
export type Lease = {
  /** Passes as long as nobody else took the work: stands in front of every write of the holder. */
  readonly guard: Guard
  /** Aborted when the process stops, or the lease is lost. */
  readonly signal: AbortSignal
  /** Aborted when the lease ends: it was given back, taken by another process, or could not be kept up in time. */
  readonly lost: AbortSignal
  /** Gives it back, with last writes. */
  readonly release: (writes?: readonly Write[]) => Promise<void>
}

export type LeaseTiming = {
  /** A holder whose beat was not seen to move for so long is dead. */
  readonly expiryMs: number
  readonly beatMs: number
}

export const usualTiming: LeaseTiming = { expiryMs: 10_000, beatMs: 3_000 }

/** The rows of leases, by the name of the work. `fence` counts who held it so far, `beat` moves as long as the holder lives. */
export type LeaseStatements = {
  readonly select: Statement<[name: string], LeaseRow>
  /** Still as it was seen. */
  readonly unmoved: Statement<[name: string, fence: number, beat: number], unknown>
  /** Still held under this fence. */
  readonly held: Statement<[name: string, fence: number], unknown>
  readonly take: Statement<[holder: string, name: string]>
  readonly beat: Statement<[name: string]>
  readonly release: Statement<[name: string]>
}
type LeaseRow = { readonly holder: string; readonly fence: number; readonly beat: number }

type Tools = {
  readonly database: Database
  readonly clock: { sleep(milliseconds: number, signal?: AbortSignal): Promise<void> }
  readonly random: (bytes: number) => Buffer
  readonly log: { warn(message: string, fields: Record<string, string>): void }
}
/** One piece of work. */
type Work = { readonly name: string; readonly rows: LeaseStatements }

/**
 * Waits until this process may do a piece of work; undefined when `stop` came first. A holder is dead when its beat stood still for the time of
 * expiry by this process's own monotonic clock, so that wrong wall clocks neither steal nor block. Where no other process can be, a holder is
 * always one that died.
 */
export async function takeLease(tools: Tools, work: Work, stop: AbortSignal, timing = usualTiming): Promise<Lease | undefined> {
  const { database, clock } = tools
  const me = tools.random(9).toString('base64url')
  let seen: { readonly row: LeaseRow; readonly at: number } | undefined
  while (!stop.aborted) {
    const at = performance.now()
    const row = await database.selectOne(work.rows.select, work.name)
    if (row === undefined) throw new Error(`there is no lease for ${work.name}`)
    if (seen === undefined || seen.row.fence !== row.fence || seen.row.beat !== row.beat) seen = { row, at: performance.now() }
    const isFree = row.holder === '' || !database.shared || at - seen.at >= timing.expiryMs
    if (isFree && (await take(tools, work, row, me))) return hold(tools, work, row.fence + 1, stop, at, timing)
    await clock.sleep(timing.beatMs, stop)
  }
  return undefined
}

async function take({ database }: Tools, { name, rows }: Work, { fence, beat }: LeaseRow, me: string): Promise<boolean> {
  const outcome = await database.commit({
    guards: [guard('lease', 'row', rows.unmoved, name, fence, beat)],
    writes: [write(rows.take, me, name)],
  })
  return outcome.ok
}

/** Keeps a lease up; `from` is a moment before it was taken. */
function hold(tools: Tools, { name, rows }: Work, fence: number, stop: AbortSignal, from: number, timing: LeaseTiming): Lease {
  const { database } = tools
  const ended = new AbortController()
  const held = guard('lease', 'row', rows.held, name, fence)
  // Others see the beat later than it was sent: whoever ends a tenth before expiry has ended before another begins.
  let deadline = setDeadline(ended, from, timing)

  async function beat(): Promise<void> {
    const at = performance.now()
    const outcome = await database.commit({ guards: [held], writes: [write(rows.beat, name)] })
    if (!outcome.ok) return ended.abort()
    clearTimeout(deadline)
    if (!ended.signal.aborted) deadline = setDeadline(ended, at, timing)
  }
  async function keepUp(): Promise<void> {
    while (!ended.signal.aborted) {
      await tools.clock.sleep(timing.beatMs, ended.signal)
      if (!ended.signal.aborted) await beat().catch((error) => tools.log.warn('a lease was not kept up', { name, error: String(error) }))
    }
  }
  const kept = database.shared ? keepUp() : Promise.resolve()
  if (!database.shared) clearTimeout(deadline)

  return {
    guard: held,
    signal: AbortSignal.any([ended.signal, stop]),
    lost: ended.signal,
    release: async (writes = []) => {
      ended.abort()
      clearTimeout(deadline)
      await kept
      await database.commit({ guards: [held], writes: [...writes, write(rows.release, name)] })
    },
  }
}

function setDeadline(ended: AbortController, from: number, { expiryMs }: LeaseTiming): NodeJS.Timeout {
  return setTimeout(() => ended.abort(), Math.max(0, from + expiryMs * 0.9 - performance.now())).unref()
}
