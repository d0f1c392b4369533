export type Rounds = {
  wake(): void
  /** Ends when nothing is left to do. */
  idle(): Promise<void>
  /** Begins no new round, and ends with the one under way. */
  stop(): Promise<void>
}

/** Does something in rounds, one at a time, and another when there was news meanwhile; a round gives whether it left something to do. */
export function createRounds(round: (signal: AbortSignal) => Promise<boolean>): Rounds {
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> | undefined
  let due = false
  const run = async () => {
    while (due && !signal.aborted) {
      due = false
      if (await round(signal)) due = true
    }
  }
  const wake = () => {
    due = true
    if (running || signal.aborted) return
    running = run().finally(() => {
      running = undefined
      if (due) wake()
    })
  }
  return {
    wake,
    idle: async () => void (await running),
    async stop() {
      stopping.abort()
      await running
    },
  }
}
