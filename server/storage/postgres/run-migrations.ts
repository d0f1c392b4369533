import type { Migration } from '../migrations/migration.ts'
import { createMigrationsTable, pendingMigrations } from '../migrations/pending-migrations.ts'
import type { Session } from './session.ts'

const bare = (sql: string) => ({ sql, parameters: [] })
const onlyOne = 7_420_113_901

/**
 * Brings the schema up to this release, each step in a transaction of its own, one process at a time. Throws in words for the operator when the database
 * does not sort text by code point, or was written by a newer release.
 */
export async function runMigrations(session: Session, known: readonly Migration[]): Promise<void> {
  const fault = await faultOfDatabase(session)
  if (fault !== undefined) throw new Error(fault)
  await session.send([bare("SET lock_timeout = '60s'"), bare(`SELECT pg_advisory_lock(${onlyOne})`), bare(createMigrationsTable)])
  const rows = (await session.send([bare('SELECT id FROM migrations')]))[0]!
  const applied = rows.map((row) => row['id'] as string)
  for (const { id, postgres = [], statements } of pendingMigrations(applied, known)) {
    const record = { sql: 'INSERT INTO migrations (id) VALUES ($1)', parameters: [id] }
    await session.send([bare('BEGIN')])
    for (const sql of [...postgres, ...statements]) await session.send([bare(sql)])
    await session.send([record, bare('COMMIT')])
  }
}

/** Why a database cannot be used, in words for the operator; undefined when it can. */
export async function faultOfDatabase(session: Session): Promise<string | undefined> {
  const facts = `SELECT datname AS name, datcollate AS collation, pg_encoding_to_char(encoding) AS encoding,
    CAST(current_setting('server_version_num') AS bigint) AS version FROM pg_database WHERE datname = current_database()`
  const { name, collation, encoding, version } = (await session.send([bare(facts)]))[0]![0]! as Record<string, string | number>
  if (Number(version) < 130_000) return `PostgreSQL ${Number(version) / 10_000} is too old: 13 or newer is needed`
  if (encoding === 'UTF8' && (collation === 'C' || collation === 'POSIX')) return undefined
  const make = `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`
  return `the database ${name} sorts text by ${collation} in ${encoding}, and code points in UTF8 are needed; make it with: ${make}`
}
