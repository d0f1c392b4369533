import type { Database, Write } from '../storage/database.ts'
import { write } from '../storage/database.ts'
import * as postgres from './postgres.store.ts'
import type { DocumentRow } from './search.store.ts'
import * as sqlite from './sqlite.store.ts'

/** Every one of `all`, one of each list in `oneOf`. */
export type Match = { readonly all: readonly string[]; readonly oneOf: readonly (readonly string[])[] }

/** The engine's index of words: a–z, 0–9 and `!` alone. */
export type WordIndex = {
  readonly put: (document: number, words: readonly string[]) => Write[]
  readonly remove: (document: number) => Write[]
  /** The newest documents between two numbers (neither included) that match, at most so many. */
  readonly find: (match: Match, above: number, below: number, limit: number) => Promise<DocumentRow[]>
  /** How many positions one reading may look over, so that it is short. */
  readonly stretch: number
}

/** SQLite's reads run on this thread: a stretch of them takes milliseconds. PostgreSQL has threads of its own. */
export function wordIndexOf({ engine, select }: Pick<Database, 'engine' | 'select'>): WordIndex {
  if (engine === 'postgres') {
    const remove = (document: number) => [write(postgres.deleteWords, document)]
    return {
      put: (document, words) => [...remove(document), write(postgres.insertWords, document, words)],
      remove,
      find: ({ all, oneOf }, above, below, limit) => select(postgres.selectMatching, join(all, oneOf, "'", '&', '|'), above, below, limit),
      stretch: Number.MAX_SAFE_INTEGER,
    }
  }
  const remove = (document: number) => [write(sqlite.deleteWords, document)]
  return {
    put: (document, words) => [...remove(document), write(sqlite.insertWords, document, words.join(' '))],
    remove,
    find: ({ all, oneOf }, above, below, limit) => select(sqlite.selectMatching, join(all, oneOf, '"', 'AND', 'OR'), above, below, limit),
    stretch: 200_000,
  }
}

function join(all: readonly string[], oneOf: readonly (readonly string[])[], quote: string, and: string, or: string): string {
  const quoted = (word: string) => `${quote}${word}${quote}`
  const some = oneOf.map((words) => `(${words.map(quoted).join(` ${or} `)})`)
  return [...all.map(quoted), ...some].join(` ${and} `)
}
