/** Wakes one loop. A ring while nobody waits is kept for the next wait. */
export type Bell = {
  readonly ring: () => void
  /** Resolves at the next ring, or when the signal aborts. */
  readonly rung: (signal: AbortSignal) => Promise<void>
}

export function createBell(): Bell {
  let isRung = false
  let wake: (() => void) | undefined
  return {
    ring: () => {
      isRung = true
      wake?.()
    },
    rung: async (signal) => {
      if (!isRung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', resolve as () => void, { once: true })
        })
        signal.removeEventListener('abort', wake!)
      }
      wake = undefined
      isRung = false
    },
  }
}
