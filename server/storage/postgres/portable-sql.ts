import { type Bound, boundValue } from '../bound-value.ts'
import type { Statement, Value } from '../database.ts'

/** A statement as PostgreSQL takes it. */
type Rewritten = { readonly sql: string; readonly parameters: number; readonly placed: boolean }

export type Query = { readonly sql: string; readonly parameters: readonly Bound[] }

/** Where the log rows of a part are: how far its first is from the batch's last, and how many there are. */
export type Place = { readonly first: number; readonly rows: number }

const nowhere: Place = { first: 0, rows: 0 }
const rewritten = new Map<number, Rewritten>()
const tokens = /'(?:[^']|'')*'|"[^"]*"|\?|position_of\(/g

/**
 * `?` becomes `$n`. `position_of(n)` becomes `position_of(first, rows, n)`: two parameters at the end tell where the part's log rows
 * begin, counted from the end of the batch, and how many they are.
 */
export function rewrite(sql: string): Rewritten {
  let parameters = 0
  const counted = sql.match(tokens)?.filter((token) => token === '?').length ?? 0
  let placed = false
  const text = sql.replace(tokens, (token) => {
    if (token === '?') return `$${++parameters}`
    if (token !== 'position_of(') return token
    placed = true
    return `position_of($${counted + 1}, $${counted + 2}, `
  })
  return { sql: text, parameters, placed }
}

/** A statement with its parameters bound. `place` are the first two of `position_of`; only writes have them. Throws TypeError on what is no `Value`. */
export function boundQuery({ id, sql }: Statement, parameters: readonly Value[], place: Place = nowhere): Query {
  let known = rewritten.get(id)
  if (!known) {
    known = rewrite(sql)
    rewritten.set(id, known)
  }
  if (parameters.length !== known.parameters) throw new TypeError(`${parameters.length} parameters for ${known.parameters} in: ${sql}`)
  const bound = parameters.map(boundValue)
  if (known.placed) bound.push(place.first, place.rows)
  return { sql: known.sql, parameters: bound }
}
