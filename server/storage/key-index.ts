/** Ascending positions by key, added at the end and forgotten at the beginning, both in constant time. */
export type KeyIndex = {
  add(key: string, position: number): void
  /** Drops a position if it is the first of its key. */
  forget(key: string, position: number): void
  lastOf(key: string): number
  /** The positions of a key in (after, upTo], in order. */
  between(key: string, after: number, upTo: number): Iterable<number>
}

/** `from` is the place of the first position that still counts; what lies before it is cut off now and then. */
type Positions = { list: number[]; from: number }

/** An index that holds nothing yet. */
export function keyIndex(): KeyIndex {
  const byKey = new Map<string, Positions>()
  return {
    add(key, position) {
      const positions = byKey.get(key)
      if (!positions) byKey.set(key, { list: [position], from: 0 })
      else if (positions.list[positions.list.length - 1] !== position) positions.list.push(position)
    },
    forget(key, position) {
      const positions = byKey.get(key)
      if (positions === undefined || positions.list[positions.from] !== position) return
      positions.from++
      if (positions.from === positions.list.length) byKey.delete(key)
      else if (positions.from > 1024 && positions.from * 2 > positions.list.length) {
        positions.list = positions.list.slice(positions.from)
        positions.from = 0
      }
    },
    lastOf: (key) => byKey.get(key)?.list.at(-1) ?? 0,
    *between(key, after, upTo) {
      const positions = byKey.get(key)
      if (positions === undefined) return
      const { list } = positions
      for (let place = firstAbove(positions, after); place < list.length && list[place]! <= upTo; place++) yield list[place]!
    },
  }
}

/** The place of the first position above `after`. */
function firstAbove({ list, from }: Positions, after: number): number {
  let low = from
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]! > after) high = middle
    else low = middle + 1
  }
  return low
}
