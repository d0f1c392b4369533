import { type Feed, pause, reason } from '../feed.ts'
import type { Kit } from '../kit.ts'
import { showStatuses } from './status.ts'

const retryMs = 1000

/** Shows states in the rooms as they change: one round at a time, another when something changed meanwhile or a wait is over. */
export function createStatusShower(kit: Kit): Feed {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined
  const round = async () => {
    do {
      again = false
      const later = await showStatuses(kit, stopping.signal).catch(async (error: unknown) => {
        kit.log('debug', 'a state could not be shown yet', { why: reason(error) })
        await pause(retryMs, stopping.signal)
        again = !stopping.signal.aborted
        return undefined
      })
      clearTimeout(timer)
      if (later !== undefined) timer = setTimeout(wake, later)
    } while (again && !stopping.signal.aborted)
  }
  function wake(): void {
    again = true
    if (running || stopping.signal.aborted) return
    running = round().finally(() => {
      running = undefined
      if (again) wake()
    })
  }
  return {
    wake,
    idle: async () => void (await running),
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await running
    },
  }
}
