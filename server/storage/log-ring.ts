import type { Logged } from './database.ts'
import { keyIndex } from './key-index.ts'

/** A row with the keys that it wakes; `also` are those beside its own. */
type Entry = { readonly row: Logged; readonly also: readonly string[] }

/** The newest rows of the log in memory, by position and by key. */
export type LogRing = {
  /** Memory holds every row above this position. */
  floor(): number
  append(row: Logged, also: readonly string[]): void
  /** The newest row that wakes a key, as far as memory reaches back. */
  lastOf(key: string): number
  /** Rows in (after, upTo] that wake one of the keys, in order. */
  changes(keys: ReadonlySet<string>, after: number, upTo: number): Logged[]
  rows(after: number, upTo: number, limit: number): Logged[]
}

/** A ring of `size` rows that begins empty, after position `start`. Positions must come without gaps. */
export function logRing(size: number, start: number): LogRing {
  const ring: (Entry | undefined)[] = new Array(size)
  const byKey = keyIndex()
  let first = start + 1
  let last = start

  const at = (position: number) => ring[position % size]!
  const matches = (keys: ReadonlySet<string>, { row, also }: Entry) => keys.has(row.key) || also.some((key) => keys.has(key))

  function append(row: Logged, also: readonly string[]): void {
    if (row.position !== last + 1) throw new Error(`the log has a gap: ${row.position} follows ${last}`)
    if (last - first + 1 === size) {
      const { row: oldest, also: alsoOldest } = at(first++)
      for (const key of [oldest.key, ...alsoOldest]) byKey.forget(key, oldest.position)
    }
    last = row.position
    ring[last % size] = { row, also }
    byKey.add(row.key, last)
    for (const key of also) byKey.add(key, last)
  }

  function scan(keys: ReadonlySet<string>, after: number, upTo: number): Logged[] {
    const found: Logged[] = []
    for (let position = after + 1; position <= upTo; position++) if (matches(keys, at(position))) found.push(at(position).row)
    return found
  }

  function look(keys: ReadonlySet<string>, after: number, upTo: number): Logged[] {
    const found = new Set<number>()
    for (const key of keys) for (const position of byKey.between(key, after, upTo)) found.add(position)
    return [...found].sort((a, b) => a - b).map((position) => at(position).row)
  }

  return {
    floor: () => first - 1,
    append,
    lastOf: byKey.lastOf,
    changes(keys, after, upTo) {
      const from = Math.max(after, first - 1)
      const to = Math.min(upTo, last)
      return to - from <= keys.size * 4 ? scan(keys, from, to) : look(keys, from, to)
    },
    rows(after, upTo, limit) {
      const found: Logged[] = []
      const to = Math.min(upTo, last, after + limit)
      for (let position = Math.max(after + 1, first); position <= to; position++) found.push(at(position).row)
      return found
    },
  }
}
