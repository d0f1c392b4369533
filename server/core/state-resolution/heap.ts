import { breath, pace, type Steps } from './steps.ts'

/** Puts an item where it belongs in a binary heap, whose least item comes first. */
export function push<T>(heap: T[], item: T, compare: (a: T, b: T) => number): void {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (compare(heap[parent]!, item) <= 0) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = item
}

/** Takes the least item out of a binary heap; undefined if there is none. */
export function pop<T>(heap: T[], compare: (a: T, b: T) => number): T | undefined {
  const least = heap[0]
  const last = heap.pop()
  if (heap.length === 0 || last === undefined) return least
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) < 0) child++
    if (compare(heap[child]!, last) >= 0) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return least
}

/** Sorts in steps; no list is so long that sorting it stops others. */
export function* sortInSteps<T>(items: Iterable<T>, compare: (a: T, b: T) => number): Steps<T[]> {
  const heap: T[] = []
  let count = 0
  for (const item of items) {
    push(heap, item, compare)
    if (++count % pace === 0) yield breath
  }
  const sorted: T[] = []
  while (heap.length > 0) {
    sorted.push(pop(heap, compare)!)
    if (++count % pace === 0) yield breath
  }
  return sorted
}
