import type { LongBody } from '../../http/long-body.ts'

/** Long answers: one that is asked for again is made once, and kept while there is room for it; those asked for longest ago go first. */
export type KeptAnswers = (key: string, make: () => AsyncIterable<Uint8Array>) => Promise<LongBody>

type Kept = { readonly collected: Promise<Collected>; size: number }
/** All of an answer; or its beginning, when it is longer than what is held at once. */
type Collected = { readonly body: Uint8Array } | { readonly begun: readonly Uint8Array[]; readonly rest: AsyncIterator<Uint8Array> }

/** Keeps answers of so many bytes in all; a longer one than `mostOfOne` is never held as a whole. */
export function createKeptAnswers(mostBytes: number, mostOfOne: number): KeptAnswers {
  const kept = new Map<string, Kept>()
  let bytes = 0

  function drop(key: string, one: Kept): void {
    if (kept.get(key) !== one) return
    kept.delete(key)
    bytes -= one.size
  }

  function count(key: string, one: Kept, body: Uint8Array): void {
    if (kept.get(key) !== one || one.size > 0) return
    one.size = body.length
    bytes += one.size
    for (const [oldest, other] of kept) {
      if (bytes <= mostBytes) break
      if (other.size > 0) drop(oldest, other)
    }
  }

  async function makeFirst(key: string, make: () => AsyncIterable<Uint8Array>): Promise<LongBody> {
    const one: Kept = { collected: collect(make(), mostOfOne), size: 0 }
    kept.set(key, one)
    try {
      const collected = await one.collected
      if ('body' in collected) {
        count(key, one, collected.body)
        return collected.body
      }
      drop(key, one)
      return streamOf(collected.begun, collected.rest)
    } catch (error) {
      drop(key, one)
      throw error
    }
  }

  return async (key, make) => {
    const one = kept.get(key)
    if (one === undefined) return makeFirst(key, make)
    kept.delete(key)
    kept.set(key, one)
    const collected = await one.collected
    // What is too long to be held is made for each who asks.
    return 'body' in collected ? collected.body : make()
  }
}

async function collect(parts: AsyncIterable<Uint8Array>, most: number): Promise<Collected> {
  const rest = parts[Symbol.asyncIterator]()
  const begun: Uint8Array[] = []
  let length = 0
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    begun.push(next.value)
    length += next.value.length
    if (length > most) return { begun, rest }
  }
  return { body: Buffer.concat(begun) }
}

async function* streamOf(begun: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun
  yield* { [Symbol.asyncIterator]: () => rest }
}
