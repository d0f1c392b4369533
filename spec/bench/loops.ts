/**
 * Runs `operation` on `inFlight` workers, each beginning its next when its last has ended, until the time is over. Gives the seconds it took. The first
 * failure ends them all.
 */
export async function closedLoop(inFlight: number, seconds: number, operation: (worker: number) => Promise<void>): Promise<number> {
  const began = performance.now()
  const end = began + seconds * 1000
  await workers(inFlight, () => performance.now() < end, operation)
  return (performance.now() - began) / 1000
}

/** Does `work` for the numbers from 0 up to `count`, `inFlight` at a time. The first failure ends it. */
export async function each(count: number, inFlight: number, work: (number: number, worker: number) => Promise<void>): Promise<void> {
  let next = 0
  await workers(
    Math.min(inFlight, count),
    () => next < count,
    (worker) => work(next++, worker),
  )
}

async function workers(count: number, more: () => boolean, operation: (worker: number) => Promise<void>): Promise<void> {
  let failed = false
  const go = async (worker: number) => {
    while (more() && !failed) await operation(worker)
  }
  const fail = (error: unknown) => {
    failed = true
    throw error
  }
  await Promise.all(Array.from({ length: count }, (_, worker) => go(worker).catch(fail)))
}

/** The value below which this part of the values lies, by nearest rank; NaN of nothing. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}
