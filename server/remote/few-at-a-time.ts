import { limitExceeded } from '../core/matrix-error.ts'

/** Runs work, so many at a time; the rest waits in line. Throws 429 when the line is full. */
export type FewAtATime = <T>(work: () => Promise<T>) => Promise<T>

export function createFewAtATime(mostRunning: number, mostWaiting: number): FewAtATime {
  const line: (() => void)[] = []
  let busy = 0
  return async (work) => {
    if (line.length >= mostWaiting) throw limitExceeded(5000)
    if (busy >= mostRunning) await new Promise<void>((resolve) => line.push(resolve))
    else busy++
    try {
      return await work()
    } finally {
      const next = line.shift()
      if (next) next()
      else busy--
    }
  }
}
