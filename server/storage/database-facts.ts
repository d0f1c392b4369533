/** What a database is found to be by whoever only looks at it. */
export type DatabaseFacts = {
  /** The engine with its version. */
  readonly engine: string
  /** The steps of the schema that it has; none in one that no server has opened yet. */
  readonly applied: readonly string[]
  /** SQLite's: `wal` is what the server sets. */
  readonly journal: string | undefined
  /** Why the server could not use it; undefined when it can. */
  readonly fault: string | undefined
  /** What was asked for beside; none where the schema has no such step yet. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** A statement without parameters, and the step of the schema since when it can be run. */
export type Asked = { readonly since: string; readonly sql: string }
