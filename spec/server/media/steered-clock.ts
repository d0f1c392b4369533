import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../server/home.ts'

/** A clock whose hands a test moves; waiting takes as long as it takes. */
export function steeredClock(): Clock & { advance(milliseconds: number): void } {
  let now = Date.UTC(2027, 0, 15)
  return {
    now: () => now,
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { ref: false, ...(signal ? { signal } : {}) }).catch(() => {}),
    advance: (milliseconds) => {
      now += milliseconds
    },
  }
}
