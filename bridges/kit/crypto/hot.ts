/** A bounded memory of objects that live in libolm's heap: the least recently used is freed when it is full. */
export type Hot<T extends { free(): void }> = {
  get(key: string): T | undefined
  set(key: string, value: T): T
  drop(key: string): void
  clear(): void
}

/** Makes a memory of `limit` objects. What it hands out is valid until control returns to the event loop. */
export function makeHot<T extends { free(): void }>(limit: number): Hot<T> {
  const entries = new Map<string, T>()
  const drop = (key: string) => {
    entries.get(key)?.free()
    entries.delete(key)
  }
  return {
    get(key) {
      const found = entries.get(key)
      if (found !== undefined) {
        entries.delete(key)
        entries.set(key, found)
      }
      return found
    },
    set(key, value) {
      if (entries.get(key) !== value) drop(key)
      entries.set(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break
        drop(oldest)
      }
      return value
    },
    drop,
    clear() {
      for (const key of [...entries.keys()]) drop(key)
    },
  }
}
