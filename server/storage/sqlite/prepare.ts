import type Sqlite from 'better-sqlite3'

const tokens = /'(?:[^']|'')*'|"[^"]*"|\?/g

/**
 * Compiles a statement so that it stays compiled. Where a bare `?` is a limit, or is compared with a column that no index is used for, the planner
 * looks at what is bound and compiles the statement anew each time it is run, since another value may want another plan. It does not look behind a
 * `+`, which changes no value of any type; without ANALYZE, which is never run, values tell it nothing.
 */
export function prepare(connection: Sqlite.Database, sql: string): Sqlite.Statement {
  return connection.prepare(sql.replace(tokens, (token) => (token === '?' ? '+?' : token)))
}
