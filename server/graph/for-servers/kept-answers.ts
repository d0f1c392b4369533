type Kept = { readonly answer: Promise<Uint8Array>; size: number }

/** Long answers: one that is asked for again is made once, and kept while there is room for it; those asked for longest ago go first. */
export type KeptAnswers = (key: string, make: () => Promise<Uint8Array>) => Promise<Uint8Array>

/** Keeps answers of so many bytes in all. */
export function createKeptAnswers(mostBytes: number): KeptAnswers {
  const kept = new Map<string, Kept>()
  let bytes = 0

  function drop(key: string, one: Kept): void {
    if (kept.get(key) !== one) return
    kept.delete(key)
    bytes -= one.size
  }

  async function made(key: string, one: Kept): Promise<Uint8Array> {
    try {
      const answer = await one.answer
      if (answer.length > mostBytes) drop(key, one)
      else if (kept.get(key) === one && one.size === 0) {
        one.size = answer.length
        bytes += one.size
      }
      for (const [oldest, other] of kept) {
        if (bytes <= mostBytes) break
        if (other.size > 0) drop(oldest, other)
      }
      return answer
    } catch (error) {
      drop(key, one)
      throw error
    }
  }

  return (key, make) => {
    const one = kept.get(key) ?? { answer: make(), size: 0 }
    kept.delete(key)
    kept.set(key, one)
    return made(key, one)
  }
}
