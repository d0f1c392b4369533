import { type Feed, pause, reason } from '../feed.ts'
import type { Kit } from '../kit.ts'
import { createRounds } from './rounds.ts'
import { showStatuses } from './status.ts'

const retryMs = 1000

/** Shows states in the rooms as they change: one round at a time, another when something changed meanwhile or a wait is over. */
export function createStatusShower(kit: Kit): Feed {
  let timer: NodeJS.Timeout | undefined
  const rounds = createRounds(async (signal) => {
    const later = await showStatuses(kit, signal).catch(async (error: unknown) => {
      kit.log('debug', 'a state could not be shown yet', { why: reason(error) })
      await pause(retryMs, signal)
      return 'again' as const
    })
    clearTimeout(timer)
    if (typeof later === 'number' && !signal.aborted) timer = setTimeout(rounds.wake, later)
    return later === 'again'
  })
  return {
    ...rounds,
    async stop() {
      clearTimeout(timer)
      await rounds.stop()
    },
  }
}
