/** Numbers in [0, 1) drawn by lot. */
export type Lot = () => number

/** One of the items. */
export function pick<T>(random: Lot, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T
}

/** Whether something happens that does so with this chance. */
export function happens(random: Lot, chance: number): boolean {
  return random() < chance
}
