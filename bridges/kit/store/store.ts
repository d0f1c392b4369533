import Database from 'better-sqlite3'
import { migrations } from './migrations.ts'

type Prepared<P extends unknown[] | object, R> = Pick<Database.Statement<P extends unknown[] ? P : [P], R>, 'get' | 'all' | 'run'>
type Prepare = <P extends unknown[] | object = unknown[], R = unknown>(sql: string) => Prepared<P, R>

export type Store = {
  readonly database: Database.Database
  /** Gives the statement of a text, which is prepared once. */
  readonly prepare: Prepare
  /** The same, for the values of a single column in place of rows. */
  readonly pluck: Prepare
  /** Runs `work` in one durable transaction (a savepoint inside another). Whatever it throws undoes it. */
  atomically<T>(work: () => T): T
  /**
   * The same for what may be forgotten in a power cut (a killed process forgets nothing), because it is found out again: not waited for until it is on
   * disk, but there at the latest with the next commit that is, and never without what was committed before it. Saves most of the waiting.
   */
  lazily<T>(work: () => T): T
  close(): void
}

/** Which row is still to be handled, and in which lane. */
export type Waiting = { readonly seq: number; readonly lane: string }

/**
 * Opens a bridge's file: WAL, every commit on disk before it returns, and locked for this process alone, so that two processes never work on one
 * ratchet. Throws when another has it, or when it was made by a newer version.
 */
export function openStore(file: string): Store {
  const database = new Database(file, { timeout: 2000 })
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    migrate(database)
  } catch (error) {
    database.close()
    throw isBusy(error) ? new Error('another process is using this data folder') : error
  }
  const transaction = database.transaction((work: () => unknown) => work())
  const immediately = <T>(work: () => T) => transaction.immediate(work) as T
  return {
    database,
    prepare: onceEach((sql) => database.prepare(sql)),
    pluck: onceEach((sql) => database.prepare(sql).pluck()),
    atomically: immediately,
    lazily(work) {
      if (database.inTransaction) return work()
      database.pragma('synchronous = NORMAL')
      try {
        return immediately(work)
      } finally {
        database.pragma('synchronous = FULL')
      }
    },
    close: () => void database.close(),
  }
}

function onceEach(make: (sql: string) => Database.Statement): Prepare {
  const made = new Map<string, Database.Statement>()
  return (sql) => {
    if (!made.has(sql)) made.set(sql, make(sql))
    return made.get(sql) as never
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
}

function migrate(database: Database.Database): void {
  const upgrade = database.transaction(() => {
    const version = database.pragma('user_version', { simple: true }) as number
    if (version > migrations.length) throw new Error('the data folder was written by a newer version of the bridge')
    for (const script of migrations.slice(version)) database.exec(script)
    database.pragma(`user_version = ${migrations.length}`)
  })
  upgrade.exclusive()
}
