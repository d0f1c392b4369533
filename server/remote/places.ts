/** So many at a time; each leaves its place again. */
export type Places = {
  /** Whether there was one at once. */
  readonly takeNow: () => boolean
  /** Whether there was one in time, in the order of those who wait. */
  readonly take: () => Promise<boolean>
  readonly leave: () => void
}

/** `longest` may wait, each for `patienceMs`. */
export function createPlaces({ most, longest, patienceMs }: { most: number; longest: number; patienceMs: number }): Places {
  const line = new Set<() => void>()
  let taken = 0
  const takeNow = () => {
    if (taken >= most) return false
    taken++
    return true
  }
  return {
    takeNow,
    take: async () => {
      if (takeNow()) return true
      if (line.size >= longest) return false
      return new Promise((resolve) => {
        const turn = () => {
          clearTimeout(timer)
          resolve(true)
        }
        const giveUp = () => {
          line.delete(turn)
          resolve(false)
        }
        const timer = setTimeout(giveUp, patienceMs).unref()
        line.add(turn)
      })
    },
    leave: () => {
      const [next] = line
      if (next === undefined) {
        taken--
        return
      }
      line.delete(next)
      next()
    },
  }
}
