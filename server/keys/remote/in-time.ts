import type { JsonObject } from '../../core/json.ts'
import type { Home } from '../../home.ts'

const usual = 10_000
const shortest = 1000
const longest = 30_000
const mostAtOnce = 50

/** How long the servers of others may take, by a request's `timeout` in milliseconds. */
export function readTimeout({ timeout }: JsonObject): number {
  return typeof timeout === 'number' && Number.isFinite(timeout) ? Math.min(Math.max(timeout, shortest), longest) : usual
}

/**
 * What comes of each work within a time, some at once; undefined where it takes longer, or could not be begun. What has begun goes on for those who ask
 * later.
 */
export async function eachInTime<T, R>(
  { clock }: Pick<Home, 'clock'>,
  milliseconds: number,
  of: readonly T[],
  work: (one: T) => Promise<R>,
): Promise<(R | undefined)[]> {
  if (of.length === 0) return []
  const results: (R | undefined)[] = of.map(() => undefined)
  const enough = new AbortController()
  const over = clock.sleep(milliseconds, enough.signal)
  const waiting = [...of.entries()]
  const next = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) results[one[0]] = await work(one[1])
  }
  const all = Promise.all(Array.from({ length: Math.min(mostAtOnce, of.length) }, next))
  try {
    await Promise.race([all, over])
    return [...results]
  } finally {
    waiting.length = 0
    enough.abort()
    all.catch(() => {})
  }
}
