/** Runs tasks of one name one after another, in the order they came; tasks of different names run side by side. */
export type Lanes = {
  run<T>(name: string, task: () => Promise<T>): Promise<T>
  /** Resolves when every task that has been handed in so far, and those they handed in, have ended. */
  idle(): Promise<void>
}

/** Makes lanes; an ended lane keeps no memory. */
export function makeLanes(): Lanes {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run(name, task) {
      const before = tails.get(name) ?? Promise.resolve()
      const result = before.then(task, task)
      const tail = result
        .catch(() => undefined)
        .finally(() => {
          if (tails.get(name) === tail) tails.delete(name)
        })
      tails.set(name, tail)
      return result
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values())
    },
  }
}
