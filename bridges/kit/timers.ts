import { reason } from './feed.ts'
import type { Kit } from './kit.ts'

type Works = Readonly<Record<string, () => unknown>>

/** Runs the works one after another, each also when one before it fails: that is one line in the log. By the name of each. */
export function runEach({ log }: Pick<Kit, 'log'>, works: Works): void {
  for (const [name, work] of Object.entries(works)) {
    try {
      work()
    } catch (error) {
      log('error', 'what is done from time to time failed', { what: name, why: reason(error) })
    }
  }
}

/** Does so again and again until the signal is given. Does not keep the process alive. */
export function runEvery(kit: Pick<Kit, 'log'>, ms: number, works: Works, signal: AbortSignal): void {
  if (signal.aborted) return
  const timer = setInterval(() => runEach(kit, works), ms).unref()
  signal.addEventListener('abort', () => clearInterval(timer))
}
