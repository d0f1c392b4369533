import type Sqlite from 'better-sqlite3'
import type { Migration } from '../migrations/migration.ts'
import { createMigrationsTable, pendingMigrations } from '../migrations/pending-migrations.ts'

/** Brings the schema up to this release, each step in a transaction of its own. Throws on a database of a newer release. */
export function runMigrations(connection: Sqlite.Database, known: readonly Migration[]): void {
  connection.exec(createMigrationsTable)
  const applied = connection.prepare<[], string>('SELECT id FROM migrations').pluck().all() as string[]
  const record = connection.prepare('INSERT INTO migrations (id) VALUES (?)')
  for (const { id, sqlite = [], statements } of pendingMigrations(applied, known)) {
    connection.transaction(() => {
      for (const sql of [...sqlite, ...statements]) connection.exec(sql)
      record.run(id)
    })()
  }
}
