import type { Notifier } from './notifier.ts'

/** What follows the log some time after it was written, at a position of its own, so that writers wait for nothing more. */
export type LogFollower = {
  readonly start: () => void
  readonly stop: () => Promise<void>
  /** Resolves once everything up to a position was followed, or after the time. */
  readonly reached: (position: number, milliseconds: number) => Promise<void>
}

/** How far a step came; `isBehind` when there is more at once. */
export type Step = { readonly upTo: number; readonly isBehind: boolean }

/** New rows are gathered for a moment, and a long way behind is walked in steps, so that writers have the disk meanwhile: a short one where nobody writes. */
const pause = 250
const breath = 10
const pauseAfterFailure = 1000

type Tools = {
  readonly notifier: Pick<Notifier, 'onAdvance'>
  readonly clock: { sleep(milliseconds: number, signal?: AbortSignal): Promise<void> }
  readonly log: { error(words: string, fields?: object): void }
}

/** Calls `step` whenever there are rows of these kinds, until nothing is left. A step that throws is logged and tried again. */
export function createLogFollower(
  { notifier, clock, log }: Tools,
  { name, kinds, step }: { readonly name: string; readonly kinds: readonly string[]; readonly step: () => Promise<Step> },
): LogFollower {
  const stopping = new AbortController()
  const progress = createProgress(clock)
  let hasNews = false
  let hurry = new AbortController()
  let bell = Promise.withResolvers<void>()
  let loop: Promise<void> = Promise.resolve()
  let unfollow = () => {}

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      bell = Promise.withResolvers()
      hasNews = false
      let isIdle = false
      try {
        const { upTo, isBehind } = await step()
        progress.tell(upTo)
        isIdle = isBehind && !hasNews
        if (!isBehind && !progress.isAwaited() && !stopping.signal.aborted) await bell.promise
      } catch (error) {
        log.error(`${name} could not follow the log`, { error: String(error) })
        await clock.sleep(pauseAfterFailure, stopping.signal)
      }
      hurry = new AbortController()
      if (!progress.isAwaited()) await clock.sleep(isIdle ? breath : pause, AbortSignal.any([stopping.signal, hurry.signal]))
    }
  }

  return {
    start: () => {
      unfollow = notifier.onAdvance((_, rows) => {
        if (!rows.some(({ kind }) => kinds.includes(kind))) return
        hasNews = true
        bell.resolve()
      })
      loop = run()
    },
    stop: async () => {
      unfollow()
      stopping.abort()
      bell.resolve()
      await loop
    },
    reached: async (position, milliseconds) => {
      if (progress.has(position) || stopping.signal.aborted) return
      const reached = progress.reached(position, milliseconds)
      bell.resolve()
      hurry.abort()
      await reached
    },
  }
}

/** How far something came, and who waits until it came as far as they want. */
function createProgress(clock: Tools['clock']) {
  const waiting = new Map<() => void, number>()
  let reached = 0
  return {
    has: (position: number) => reached >= position,
    isAwaited: () => waiting.size > 0,
    tell: (position: number) => {
      reached = Math.max(reached, position)
      for (const [resolve, until] of waiting) if (until <= reached) resolve()
    },
    reached: async (position: number, milliseconds: number) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const enough = new AbortController()
      waiting.set(resolve, position)
      await Promise.race([promise, clock.sleep(milliseconds, enough.signal)])
      enough.abort()
      waiting.delete(resolve)
    },
  }
}
