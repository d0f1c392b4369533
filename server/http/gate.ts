import { limitExceeded } from '../core/matrix-error.ts'

/** Does work as soon as there is room for it, in the order of asking; 429 M_LIMIT_EXCEEDED when too much waits already. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

const retryAfter = 1000

/** A gate that lets `atOnce` pass at a time and `waiting` wait. */
export function createGate(atOnce: number, waiting: number): Gate {
  const queue: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw limitExceeded(retryAfter)
      // Whoever is called takes the place of the one that has ended.
      await new Promise<void>((resolve) => void queue.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}
