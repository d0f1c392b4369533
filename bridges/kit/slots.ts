export type Slots = {
  /** Whether something more could begin at once. */
  areLeft(): boolean
  /** Does something in a slot of its own, as soon as there is one. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** So much may be under way at once. After it was full, `freed` is called when no more than `low` are taken. */
export function createSlots(most: number, low: number, freed: () => void): Slots {
  const queue: (() => void)[] = []
  let taken = 0
  let wasFull = false
  const leave = () => {
    const next = queue.shift()
    if (next) return next()
    taken--
    if (!wasFull || taken > low) return
    wasFull = false
    freed()
  }
  return {
    areLeft() {
      if (taken >= most) wasFull = true
      return taken < most
    },
    async run(work) {
      if (taken < most) taken++
      else await new Promise<void>((resolve) => queue.push(resolve))
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
