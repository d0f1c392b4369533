import type { Clock } from '../home.ts'

/** What went wrong lately, so that it is not tried again at once; the oldest are forgotten first. */
export type RecentFailures<Failure> = {
  readonly of: (key: string) => Failure | undefined
  readonly add: (key: string, failure: Failure) => void
}

export function createRecentFailures<Failure>(clock: Pick<Clock, 'now'>, time: number, most: number): RecentFailures<Failure> {
  const failures = new Map<string, { failure: Failure; until: number }>()
  return {
    of(key) {
      const found = failures.get(key)
      return found && found.until > clock.now() ? found.failure : undefined
    },
    add(key, failure) {
      failures.delete(key)
      failures.set(key, { failure, until: clock.now() + time })
      if (failures.size > most) failures.delete(failures.keys().next().value!)
    },
  }
}
