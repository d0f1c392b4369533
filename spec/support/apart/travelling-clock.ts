import type { Clock } from '../../../server/home.ts'

/** A clock that goes as clocks do, until somebody travels: then all that waits for a time that has come by then happens. */
export type TravellingClock = Clock & { readonly travel: (milliseconds: number) => void }

export function travellingClock(): TravellingClock {
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  let offset = 0
  const now = () => Date.now() + offset
  return {
    now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const timer = setTimeout(wake, Math.min(milliseconds, 2 ** 31 - 1)).unref()
        const sleeper = { until: now() + milliseconds, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
        if (signal?.aborted) wake()
      }),
    travel: (milliseconds) => {
      offset += milliseconds
      for (const { until, wake } of [...sleepers]) if (until <= now()) wake()
    },
  }
}
