import { commitQueue } from '../commit-queue.ts'
import { type Database, type Logged, statement } from '../database.ts'
import { logRowsOf, selectLog } from '../log.store.ts'
import type { Migration } from '../migrations/migration.ts'
import { type MovingNotifier, movingNotifier } from '../moving-notifier.ts'
import { batchWriter } from './batch-writer.ts'
import { listen } from './listening.ts'
import { readingPool } from './reading.ts'
import { runMigrations } from './run-migrations.ts'
import { openSession } from './session.ts'
import { writerSession } from './writer-session.ts'

export type PostgresOptions = {
  readonly url: string
  readonly now: () => number
  readonly failed: (error: unknown) => void
  readonly warn: (words: string, error: unknown) => void
  readonly migrations: readonly Migration[]
  readonly ringSize: number | undefined
}

const selectPosition = statement<[], { position: number }>('SELECT position FROM positions WHERE id = 1')

/** Opens a PostgreSQL database that other processes may share, migrating it as needed. Throws in words for the operator. */
export async function openPostgres(options: PostgresOptions): Promise<{ database: Database; notifier: MovingNotifier }> {
  await migrate(options)
  const { select, end: endReading } = readingPool(options.url)
  const readLog = (after: number, upTo: number, limit: number) => select(selectLog, after, upTo, limit) as Promise<Logged[]>
  const start = (await select(selectPosition))[0]!.position
  const notifier = movingNotifier(start, readLog, options.failed, options.ringSize)
  const following = foreignPositions(notifier, options.warn)
  const listening = await listen(options.url, following.heard)
  const writer = writerSession(options.url, options.warn)
  const write = batchWriter({ writer, now: options.now, finishing: following.hold })
  const queue = commitQueue({
    write: (parts, join) =>
      write(parts, join).catch((error) => {
        following.release()
        throw error
      }),
    select,
    advance: (result, apply) => notifier.own(result.before, logRowsOf(result), apply).finally(following.release),
    failed: options.failed,
  })
  let closed: Promise<void> | undefined
  const end = async () => {
    await queue.close()
    await listening.end()
    notifier.end()
    await writer.close()
    await endReading()
  }
  const close = () => {
    closed ??= end()
    return closed
  }
  const selectOne: Database['selectOne'] = async (of, ...parameters) => (await select(of, ...parameters))[0]
  return { database: { engine: 'postgres', shared: true, select, selectOne, commit: queue.commit, close }, notifier }
}

async function migrate({ url, migrations }: PostgresOptions): Promise<void> {
  const session = await openSession({ url, name: 'tombolo-migrations' })
  try {
    await runMigrations(session, migrations)
  } finally {
    await session.end()
  }
}

/**
 * Moves the notifier to positions heard of. While a batch of this process is between its counter and its answer, a position heard of may be its own or lie
 * behind it, and its rows have to be applied by their parts: then the move waits.
 */
function foreignPositions(notifier: MovingNotifier, warn: PostgresOptions['warn']) {
  let held = false
  let furthest = 0
  const follow = () => {
    if (held || furthest <= notifier.position()) return
    notifier.foreign(furthest).catch((error: unknown) => warn('the log could not be read; it is read again', error))
  }
  return {
    hold: () => {
      held = true
    },
    release: () => {
      held = false
      follow()
    },
    heard: (position: number) => {
      furthest = Math.max(furthest, position)
      follow()
    },
  }
}
