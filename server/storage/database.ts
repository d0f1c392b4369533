/**
 * The port to the disk: one contract, two engines (`sqlite/`, `postgres/`).
 *
 * Reading is `select`; writing is handing a `Part` to `commit`, which joins the open batch and resolves once that batch is durable.
 * SQL is written once for both engines, with `?` for parameters:
 * - a list is bound as one JSON parameter and read with `json_each(CAST(? AS TEXT))` (columns `key`, `value`);
 *   On PostgreSQL both columns are text: `CAST(value AS BIGINT)` for integers;
 * - `position_of(?)` is the position of the part's n-th log row (n from 0), known only when the batch is written; it is for writes alone;
 * - a name with capitals is quoted (`AS "eventId"`), and a `?` whose type nothing tells is cast (`CAST(? AS TEXT) IS NULL`);
 * - U+0000 in texts and lists is kept (written as two characters that sort the same); half a surrogate pair becomes U+FFFD;
 * - columns are `TEXT` (compared by code point), `BIGINT` (safe integers; booleans are 0 and 1) and `BLOB` (bytes).
 */

/** What can be bound to a `?`. Lists become one JSON parameter. `undefined` is a mistake of the caller; say `null`. */
export type Value = string | number | null | Uint8Array | readonly (string | number | null)[]

/** A named statement: whole, portable SQL with the types of its parameters and of its rows. Made once, at module level, by `statement`. */
export type Statement<P extends readonly Value[] = readonly Value[], R = unknown> = {
  readonly id: number
  readonly sql: string
  /** Never present; carries the types. */
  readonly of?: { parameters: P; row: R }
}

let statements = 0

/** Declares a statement. `P` are the types of its `?` in order, `R` is one row as both engines return it. */
export function statement<P extends readonly Value[], R = never>(sql: string): Statement<P, R> {
  return { id: statements++, sql }
}

/** Reads rows. Integers come back as numbers, `BLOB` as bytes. */
export type Select = <P extends readonly Value[], R>(of: Statement<P, R>, ...parameters: P) => Promise<R[]>

export type Write = { readonly statement: Statement; readonly parameters: readonly Value[] }

/** A write of a part: `write(insertReceipt, room, user, …)`. */
export function write<P extends readonly Value[], R>(of: Statement<P, R>, ...parameters: P): Write {
  return { statement: of as unknown as Statement, parameters }
}

/** A condition read in the batch's transaction: a part whose guard fails is dropped whole, and `name` comes back as a value. */
export type Guard = Write & { readonly name: string; readonly expects: 'row' | 'no row' }

/**
 * A guard of a part: passes when the statement returns a row (or none, as `expects` says). A row that is expected stays locked until the part is
 * written, so the statement is a plain SELECT (no aggregate, DISTINCT, GROUP BY or UNION); back `no row` with a unique constraint, for what another
 * process writes meanwhile.
 */
export function guard<P extends readonly Value[], R>(
  name: string,
  expects: Guard['expects'],
  of: Statement<P, R>,
  ...parameters: P
): Guard {
  return { name, expects, statement: of as unknown as Statement, parameters }
}

/** One change, as the log tells it: readers are woken by `key` (a room id, a user id, …) and read what `kind` says. */
export type LogRow = { readonly kind: string; readonly key: string }
export type Logged = LogRow & { readonly position: number }

/** The compare-and-swap of a part on a room: it was decided on `version`, and writing it makes the room `version + 1`. */
export type RoomClaim = {
  readonly id: string
  readonly version: number
  /**
   * True once something else than what it was decided on was written, or nothing: the numbers may meet all the same, when a part before it was dropped
   * and another process wrote one.
   */
  readonly isVoid?: () => boolean
  /**
   * Called when the room has moved on: reads what came since (on PostgreSQL inside the batch's transaction, the room's row locked) and decides
   * again. Parts of a room are decided again in their order; what those before this one came to is not on disk yet. `version` is the one the new
   * part must claim (or it claims no room), `onDisk` the one that is committed. `undefined`: what was wanted is no longer allowed; the part is
   * dropped (`guard: 'room'`).
   */
  readonly decideAgain: (select: Select, version: number, onDisk: number) => Promise<Part | undefined>
}

/** What is written together or not at all. */
export type Part = {
  readonly room?: RoomClaim
  readonly guards?: readonly Guard[]
  readonly writes: readonly Write[]
  /** Each row takes one position, in this order; `position_of(n)` in a write is that of the n-th. */
  readonly log?: readonly LogRow[]
  /** Called once the part is durable, in the order of positions, before its answer and before any reader is woken. Must not throw. */
  readonly applied?: (firstPosition: number) => void
}

/**
 * `position` is that of the part's last log row (without one, of the row before it). `rows` are what its writes gave back (`RETURNING`), in order; there
 * are none when they gave nothing, or when PostgreSQL committed and its answer was lost. `guard` names the condition that failed: one of the part's
 * guards, or `room` when deciding again led to a no.
 */
export type Outcome =
  | { readonly ok: true; readonly position: number; readonly rows?: readonly unknown[] }
  | { readonly ok: false; readonly guard: string }

export type Database = {
  readonly engine: 'sqlite' | 'postgres'
  /** Whether other processes may write to the same database: then what is in memory may be behind the disk. */
  readonly shared: boolean
  readonly select: Select
  /** The first row, or undefined. */
  readonly selectOne: <P extends readonly Value[], R>(of: Statement<P, R>, ...parameters: P) => Promise<R | undefined>
  /** Hands a part to the commit queue; resolves once it is durable or dropped. Rejects only on an unexpected error of this very part. */
  readonly commit: (part: Part) => Promise<Outcome>
  /** Resolves when everything handed over before is answered, then ends the engine. */
  readonly close: () => Promise<void>
}
