import type { Json } from '../../server/core/json.ts'

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const alphabet = ['a', 'b', 'Z', '0', '10', '.', '"', '\\', '\n', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}']

/** A short string of characters that are hard to sort or to escape. */
export function randomString(random: () => number): string {
  return Array.from({ length: Math.floor(random() * 4) }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
}

/** A JSON value without floats. */
export function randomJson(random: () => number, depth: number): Json {
  const kind = Math.floor(random() * (depth > 0 ? 6 : 4))
  const size = Math.floor(random() * 5)
  if (kind === 0) return random() < 0.5 ? null : random() < 0.5
  if (kind === 1) return Math.floor((random() - 0.5) * 2 ** 53)
  if (kind < 4) return randomString(random)
  if (kind === 4) return Array.from({ length: size }, () => randomJson(random, depth - 1))
  return Object.fromEntries(Array.from({ length: size }, () => [randomString(random), randomJson(random, depth - 1)]))
}
