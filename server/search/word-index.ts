import type { Database, Write } from '../storage/database.ts'
import { write } from '../storage/database.ts'
import { keyWord, roomWord, type SearchKey, searchKeys } from './documents.ts'
import * as postgres from './postgres.store.ts'
import type { DocumentRow } from './search.store.ts'
import * as sqlite from './sqlite.store.ts'

/** Every one of `all`, under one of the keys, in one of the rooms (by id, with the numbers that they have in the index). */
export type Match = { readonly all: readonly string[]; readonly keys: readonly SearchKey[]; readonly rooms: ReadonlyMap<string, number> }

/** The engine's index of words: a–z, 0–9 and `!` alone. */
export type WordIndex = {
  readonly put: (document: number, words: readonly string[]) => Write[]
  readonly remove: (document: number) => Write[]
  /** The newest documents between two numbers (neither included) that match, newest first, at most so many. */
  readonly find: (match: Match, above: number, below: number, limit: number) => Promise<DocumentRow[]>
  /** How many documents one reading may look over, so that it is short. */
  readonly stretch: number
}

/** SQLite's reads run on this thread: a stretch of them takes milliseconds. PostgreSQL has threads of its own. */
export function wordIndexOf({ engine, select }: Pick<Database, 'engine' | 'select'>): WordIndex {
  if (engine === 'postgres') {
    const remove = (document: number) => [write(postgres.deleteWords, document)]
    return {
      put: (document, words) => [...remove(document), write(postgres.insertWords, document, words)],
      remove,
      find: (match, above, below, limit) =>
        select(postgres.selectMatching, question(match, [...match.rooms.values()], "'", '&', '|'), above, below, limit),
      stretch: Number.MAX_SAFE_INTEGER,
    }
  }
  const remove = (document: number) => [write(sqlite.deleteWords, document)]
  return {
    put: (document, words) => [...remove(document), write(sqlite.insertWords, document, words.join(' '))],
    remove,
    find: (match, above, below, limit) => findBySteps(select, match, above, below, limit),
    stretch: 200_000,
  }
}

/** Each room in a question to SQLite costs up to a tenth of a millisecond, whatever is found in it. */
const mostRoomsAtOnce = 50
const mostLookedAt = 1000

/**
 * In few rooms at once. In many: the words alone, when few documents have them or many of the newest are in these rooms; otherwise some rooms after
 * the other, and other work is done in between.
 */
async function findBySteps(select: Database['select'], match: Match, above: number, below: number, limit: number): Promise<DocumentRow[]> {
  const find = (rooms: readonly number[], most: number) =>
    select(sqlite.selectMatching, question(match, rooms, '"', 'AND', 'OR'), above, below, most)
  const rooms = [...match.rooms.values()]
  if (rooms.length <= mostRoomsAtOnce) return find(rooms, limit)
  const anywhere = await find([], mostLookedAt)
  const among = anywhere.filter(({ room_id }) => match.rooms.has(room_id))
  if (anywhere.length < mostLookedAt || among.length >= limit) return among.slice(0, limit)
  const found: DocumentRow[] = []
  for (let at = 0; at < rooms.length; at += mostRoomsAtOnce) {
    await breath()
    found.push(...(await find(rooms.slice(at, at + mostRoomsAtOnce), limit)))
  }
  return found.sort((one, other) => other.document - one.document).slice(0, limit)
}

function question({ all, keys }: Match, rooms: readonly number[], quote: string, and: string, or: string): string {
  const quoted = (word: string) => `${quote}${word}${quote}`
  // Each document has one of all keys: to ask for them would only walk through the whole index.
  const oneOf = [new Set(keys).size === searchKeys.length ? [] : keys.map(keyWord), rooms.map(roomWord)].filter((words) => words.length > 0)
  const some = oneOf.map((words) => `(${words.map(quoted).join(` ${or} `)})`)
  return [...all.map(quoted), ...some].join(` ${and} `)
}

/** Lets other work be done. */
export function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
