import type { Migration } from './migration.ts'

/**
 * The steps that a database still needs, in order. Throws, in words for the operator, when it holds steps that this release does not know:
 * it was written by a newer one.
 */
export function pendingMigrations(applied: readonly string[], known: readonly Migration[]): readonly Migration[] {
  const ids = new Set(known.map((migration) => migration.id))
  const unknown = applied.filter((id) => !ids.has(id))
  if (unknown.length > 0) {
    throw new Error(`the database was written by a newer release (it has ${unknown.join(', ')}); start that release or a later one`)
  }
  const done = new Set(applied)
  return known.filter((migration) => !done.has(migration.id))
}

export const createMigrationsTable = 'CREATE TABLE IF NOT EXISTS migrations (id TEXT PRIMARY KEY)'
