import Sqlite from 'better-sqlite3'
import type { Asked, DatabaseFacts } from '../database-facts.ts'

const hasMigrations = `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'migrations'`

/** Reads what an SQLite file is. Throws in SQLite's words for what is none. */
export function inspectSqlite(path: string, { since, sql }: Asked): DatabaseFacts {
  const connection = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 2000 })
  try {
    const one = <T>(text: string) => connection.prepare(text).pluck().get() as T
    const isOurs = one<number>(hasMigrations) > 0
    const applied = isOurs ? (connection.prepare('SELECT id FROM migrations').pluck().all() as string[]) : []
    const engine = `SQLite ${one<string>('SELECT sqlite_version()')}`
    const rows = applied.includes(since) ? (connection.prepare(sql).all() as Record<string, unknown>[]) : []
    return { engine, applied, journal: connection.pragma('journal_mode', { simple: true }) as string, fault: undefined, rows }
  } finally {
    connection.close()
  }
}
