import { setImmediate } from 'node:timers/promises'

/** For long walks: called at every step, it lets the rest of the server run once in so many. */
export function breather(every: number): () => Promise<void> | undefined {
  let steps = 0
  return () => {
    steps++
    return steps % every === 0 ? setImmediate() : undefined
  }
}
