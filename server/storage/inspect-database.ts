import type { Asked, DatabaseFacts } from './database-facts.ts'
import { migrations } from './migrations/migrations.ts'
import type { DatabaseConfig } from './open-database.ts'

/** What a database looks like from outside, a running server or none: nothing is written. */
export type Inspected =
  | { readonly ok: true; readonly facts: DatabaseFacts; readonly missing: readonly string[]; readonly unknown: readonly string[] }
  | { readonly ok: false; readonly words: string }

/** Looks at a database within some seconds. Never throws; the words hold no password. */
export async function inspectDatabase(config: DatabaseConfig, asked: Asked): Promise<Inspected> {
  try {
    const facts = config.kind === 'sqlite' ? await inspectFile(config.path, asked) : await inspectServer(config.url, asked)
    const known = migrations.map(({ id }) => id)
    const missing = known.filter((id) => !facts.applied.includes(id))
    return { ok: true, facts, missing, unknown: facts.applied.filter((id) => !known.includes(id)) }
  } catch (error) {
    return { ok: false, words: error instanceof Error ? error.message : String(error) }
  }
}

async function inspectFile(path: string, asked: Asked): Promise<DatabaseFacts> {
  const { inspectSqlite } = await import('./sqlite/inspect-sqlite.ts')
  return inspectSqlite(path, asked)
}

async function inspectServer(url: string, asked: Asked): Promise<DatabaseFacts> {
  const { inspectPostgres } = await import('./postgres/inspect-postgres.ts')
  return inspectPostgres(url, asked)
}
