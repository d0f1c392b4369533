import type { SandboxClock } from './clock.ts'

/** A token bucket for each key: at most `burst` at once, one more every `everyMs`. */
export interface Buckets {
  take(key: string): boolean
}

export function createBuckets(clock: SandboxClock, burst: number, everyMs: number): Buckets {
  const buckets = new Map<string, { left: number; at: number }>()
  return {
    take(key) {
      const now = clock.now()
      const bucket = buckets.get(key) ?? { left: burst, at: now }
      const left = Math.min(burst, bucket.left + Math.max(0, now - bucket.at) / everyMs)
      buckets.set(key, { left: left >= 1 ? left - 1 : left, at: now })
      return left >= 1
    },
  }
}
