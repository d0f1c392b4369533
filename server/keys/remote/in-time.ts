import type { JsonObject } from '../../core/json.ts'
import type { Home } from '../../home.ts'

const usual = 10_000
const shortest = 1000
const longest = 30_000

/** How long the servers of others may take, by a request's `timeout` in milliseconds. */
export function readTimeout({ timeout }: JsonObject): number {
  return typeof timeout === 'number' && Number.isFinite(timeout) ? Math.min(Math.max(timeout, shortest), longest) : usual
}

/** What comes of some work within a time; undefined when it takes longer, and then it goes on for those who ask later. */
export async function inTime<T>({ clock }: Pick<Home, 'clock'>, milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const enough = new AbortController()
  const over = clock.sleep(milliseconds, enough.signal).then(() => undefined)
  try {
    return await Promise.race([work, over])
  } finally {
    enough.abort()
    work.catch(() => {})
  }
}
