/** Lets so many run at once, the others in their order. What takes long gives its place away, and goes on. */
export type Slots = { readonly run: <T>(work: () => Promise<T>) => Promise<T> }

export function createSlots(most: number, patienceMs: number): Slots {
  const waiting: (() => void)[] = []
  let taken = 0

  function leave(): void {
    const next = waiting.shift()
    if (next === undefined) taken--
    else next()
  }

  return {
    run: async (work) => {
      if (taken < most) taken++
      else await new Promise<void>((resolve) => waiting.push(resolve))
      let isIn = true
      const out = () => {
        if (isIn) leave()
        isIn = false
      }
      const patience = setTimeout(out, patienceMs)
      try {
        return await work()
      } finally {
        clearTimeout(patience)
        out()
      }
    },
  }
}
