import type { EventId } from '../../core/ids.ts'

/** What one event may cost of another server's time, with all that is asked for because of it. */
export type Budget = {
  /** Aborted once the server has had its time, which begins with the first question. */
  readonly signal: () => AbortSignal
  /** The state after an event that is not here: looked for once, and only of so many events; undefined beyond. */
  readonly stateAfter: (eventId: EventId, find: () => Promise<string | undefined>) => Promise<string | undefined>
  /** Whether all of a room is asked for, however large that is. */
  readonly isAmple?: boolean
}

/** So many events that are not here may an event cite, with all that lies between: as many branches as a room usually has at once. */
export const mostMissing = 10
const patience = 45_000
const ampleTime = 15 * 60_000

/** The time for all questions together, which begins with the first. */
export function createTime(patienceMs = patience): Budget['signal'] {
  let signal: AbortSignal | undefined
  return () => {
    signal ??= AbortSignal.timeout(patienceMs)
    return signal
  }
}

/** A budget of a time that several events may share. */
export function createBudget(signal = createTime()): Budget {
  const found = new Map<EventId, Promise<string | undefined>>()
  return {
    signal,
    stateAfter: (eventId, find) => {
      const known = found.get(eventId)
      if (known !== undefined) return known
      if (found.size >= mostMissing) return Promise.resolve(undefined)
      const state = find()
      found.set(eventId, state)
      return state
    },
  }
}

/** A budget for the whole state of a room, which nobody waits for; it ends with `stop`. */
export function createAmpleBudget(stop: AbortSignal): Budget {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ampleTime)])
  return { signal: () => signal, stateAfter: (_, find) => find(), isAmple: true }
}

/** A source for what one event needs; what belongs to an event that has a budget already shares it. */
export function withBudget<S extends { readonly budget?: Budget }>(source: S): S & { readonly budget: Budget } {
  return { ...source, budget: source.budget ?? createBudget() }
}
