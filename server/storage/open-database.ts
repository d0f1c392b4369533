import type { Database } from './database.ts'
import type { Migration } from './migrations/migration.ts'
import { migrations as known } from './migrations/migrations.ts'
import type { Notifier } from './notifier.ts'
import { openSqlite } from './sqlite/sqlite-database.ts'

export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string; readonly synchronous?: 'full' | 'normal' }
  | { readonly kind: 'postgres'; readonly url: string }

export type DatabaseTools = {
  readonly log: Record<'error' | 'warn', (words: string, fields?: Readonly<Record<string, string | number | boolean | undefined>>) => void>
  readonly clock: { now(): number; sleep(milliseconds: number, signal?: AbortSignal): Promise<void> }
}

/** What specs set otherwise. */
export type DatabaseExtras = { readonly migrations?: readonly Migration[]; readonly ringSize?: number }

/** Opens the database and brings its schema up to this release. Throws in words for the operator when it can't be used. */
export async function openDatabase(
  config: DatabaseConfig,
  { log, clock }: DatabaseTools,
  { migrations = known, ringSize }: DatabaseExtras = {},
): Promise<{ database: Database; notifier: Notifier }> {
  const failed = (error: unknown) => log.error('applying a batch failed', { error: String((error as Error)?.stack ?? error) })
  if (config.kind === 'sqlite')
    return openSqlite({ path: config.path, synchronous: config.synchronous ?? 'full', migrations, ringSize, failed })
  const { openPostgres } = await import('./postgres/postgres-database.ts')
  const warn = (words: string, error: unknown) => log.warn(words, { error: String(error) })
  return openPostgres({ url: config.url, now: clock.now, migrations, ringSize, failed, warn })
}
