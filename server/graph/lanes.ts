/** Runs work of one key one after the other, in the order in which it came; work of different keys at the same time. */
export type Lanes = <T>(key: string, work: () => Promise<T> | T) => Promise<T>

/**
 * Lanes in this process. Whoever looks at a room and appends only if it is not so already takes one, so that the same request twice at once has one
 * effect; two processes may still append the same twice, which the rules allow.
 */
export function createLanes(): Lanes {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work)
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return turn
  }
}
