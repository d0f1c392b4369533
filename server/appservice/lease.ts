import type { Home } from '../home.ts'
import { type Guard, guard, type Write, write } from '../storage/database.ts'
import { type ReaderRow, selectHeld, selectReader, selectUnmoved, updateBeat, updateHolder, updateReleased } from './appservice.store.ts'

/** The right to send to a service; one process has it at a time. */
export type Lease = {
  /** Passes as long as nobody else took the service: stands in front of every write of the holder. */
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

type Tools = Pick<Home, 'database' | 'clock' | 'random' | 'log'>

/**
 * Waits until this process may send to a service; undefined when `stop` came first. A holder is dead when its beat stood still for the time of
 * expiry by this process's own monotonic clock, so that wrong wall clocks neither steal nor block. Where no other process can be, a holder is
 * always one that died.
 */
export async function takeLease(tools: Tools, serviceId: string, stop: AbortSignal, timing = usualTiming): Promise<Lease | undefined> {
  const { database, clock } = tools
  const me = tools.random(9).toString('base64url')
  let seen: { readonly row: ReaderRow; readonly at: number } | undefined
  while (!stop.aborted) {
    const at = performance.now()
    const row = await database.selectOne(selectReader, serviceId)
    if (row === undefined) throw new Error(`no position is kept for the application service ${serviceId}`)
    if (seen === undefined || seen.row.fence !== row.fence || seen.row.beat !== row.beat) seen = { row, at: performance.now() }
    const isFree = row.holder === '' || !database.shared || at - seen.at >= timing.expiryMs
    if (isFree && (await take(tools, serviceId, row, me))) return hold(tools, serviceId, row.fence + 1, stop, at, timing)
    await clock.sleep(timing.beatMs, stop)
  }
  return undefined
}

async function take({ database }: Tools, serviceId: string, { fence, beat }: ReaderRow, me: string): Promise<boolean> {
  const outcome = await database.commit({
    guards: [guard('lease', 'row', selectUnmoved, serviceId, fence, beat)],
    writes: [write(updateHolder, me, serviceId)],
  })
  return outcome.ok
}

/** Keeps a lease up; `from` is a moment before it was taken. */
function hold(tools: Tools, serviceId: string, fence: number, stop: AbortSignal, from: number, timing: LeaseTiming): Lease {
  const { database } = tools
  const ended = new AbortController()
  const held = guard('lease', 'row', selectHeld, serviceId, fence)
  // Others see the beat later than it was sent: whoever ends a tenth before expiry has ended before another begins.
  let deadline = setDeadline(ended, from, timing)

  async function beat(): Promise<void> {
    const at = performance.now()
    const outcome = await database.commit({ guards: [held], writes: [write(updateBeat, serviceId)] })
    if (!outcome.ok) return ended.abort()
    clearTimeout(deadline)
    if (!ended.signal.aborted) deadline = setDeadline(ended, at, timing)
  }
  async function keepUp(): Promise<void> {
    while (!ended.signal.aborted) {
      await tools.clock.sleep(timing.beatMs, ended.signal)
      if (!ended.signal.aborted)
        await beat().catch((error) => tools.log.warn('a lease was not kept up', { serviceId, error: String(error) }))
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
      await database.commit({ guards: [held], writes: [...writes, write(updateReleased, serviceId)] })
    },
  }
}

function setDeadline(ended: AbortController, from: number, { expiryMs }: LeaseTiming): NodeJS.Timeout {
  return setTimeout(() => ended.abort(), Math.max(0, from + expiryMs * 0.9 - performance.now())).unref()
}
