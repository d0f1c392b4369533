import { existsSync } from 'node:fs'
import type Sqlite from 'better-sqlite3'
import { boundValue, readRows } from '../bound-value.ts'
import { type BatchResult, commitQueue, type PartResult } from '../commit-queue.ts'
import type { Database, Logged, Part, Select, Statement, Value } from '../database.ts'
import { logRowsOf, selectLog } from '../log.store.ts'
import type { Migration } from '../migrations/migration.ts'
import { type MovingNotifier, movingNotifier } from '../moving-notifier.ts'
import { type AskThread, startThread } from './ask-thread.ts'
import { batchEncoder } from './batch-message.ts'
import type { WriterAnswer, WriterResult } from './batch-transaction.ts'
import { lockFile, openReader, type Synchronous } from './open-file.ts'
import { prepare } from './prepare.ts'
import type { WriterRequest } from './writer-thread.ts'

export type SqliteOptions = {
  readonly path: string
  readonly synchronous: Synchronous
  readonly failed: (error: unknown) => void
  readonly migrations: readonly Migration[]
  /** How many log rows are kept in memory. */
  readonly ringSize: number | undefined
}

/** Opens an SQLite file that this process has to itself, making and migrating it as needed. Throws in words for the operator. */
export async function openSqlite(options: SqliteOptions): Promise<{ database: Database; notifier: MovingNotifier }> {
  const lock = lockFile(options.path)
  try {
    const writer = await startWriter(options)
    const reader = openReader(options.path)
    const select = selectOver(reader)
    const readLog = (after: number, upTo: number, limit: number) => select(selectLog, after, upTo, limit) as Promise<Logged[]>
    const notifier = movingNotifier(writer.position, readLog, options.failed, options.ringSize)
    const queue = commitQueue({
      write: (parts) => writeParts(writer, parts),
      select,
      advance: (result, apply) => notifier.own(result.before, logRowsOf(result), apply),
      failed: options.failed,
    })
    let closed: Promise<void> | undefined
    const end = async () => {
      await queue.close()
      notifier.end()
      reader.close()
      await writer.close()
      lock.close()
    }
    const close = () => {
      closed ??= end()
      return closed
    }
    const selectOne: Database['selectOne'] = async (of, ...parameters) => (await select(of, ...parameters))[0]
    return { database: { engine: 'sqlite', shared: false, select, selectOne, commit: queue.commit, close }, notifier }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** Short reads on this thread: the rows are there before the promise is returned, so no read transaction outlives the call. */
function selectOver(connection: Sqlite.Database): Select {
  const prepared: Sqlite.Statement[] = []
  const run = (of: Statement, parameters: readonly Value[]) => {
    prepared[of.id] ??= prepare(connection, of.sql)
    return readRows(prepared[of.id]!.all(...parameters.map(boundValue)))
  }
  return async (of, ...parameters) => run(of as unknown as Statement, parameters) as never
}

type Writer = {
  readonly position: number
  readonly known: Set<number>
  readonly ask: (request: WriterRequest, transfer: ArrayBuffer[]) => Promise<WriterAnswer>
  readonly close: () => Promise<void>
}

/** What so many batches leave in the WAL needs nobody to keep it short; a thread more would be a third of what an opening costs. */
const batchesOfShortWal = 100

/** Starts the thread that owns the writing connection, and in time the one that keeps its WAL short; rejects with what kept it from opening the file. */
async function startWriter({ path, synchronous, migrations }: SqliteOptions): Promise<Writer> {
  const hadWal = existsSync(`${path}-wal`)
  const writer = startThread('./writer-thread.ts', { path, synchronous, migrations })
  const position = await writer.ask<number>()
  // One that somebody left behind who was killed may be long.
  let batches = hadWal ? batchesOfShortWal - 1 : 0
  let checkpoints: AskThread | undefined
  const ask: Writer['ask'] = (request, transfer) => {
    if (++batches === batchesOfShortWal) checkpoints = startThread('./checkpoint-thread.ts', { path })
    return writer.ask(request, transfer)
  }
  const close = async () => {
    await checkpoints?.ask({ kind: 'close' })
    await writer.ask({ kind: 'close' })
  }
  return { position, known: new Set(), ask, close }
}

async function writeParts(writer: Writer, parts: readonly Part[]): Promise<BatchResult> {
  const encoder = batchEncoder(writer.known)
  const refused = parts.map((part) => refusal(() => encoder.add(part)))
  const batch = encoder.end()
  const { before, results } = await writer.ask({ kind: 'batch', batch }, [batch.bytes])
  let place = 0
  return { before, results: parts.map((part, at) => refused[at] ?? partResult(part, results[place++]!)) }
}

function refusal(add: () => void): PartResult | undefined {
  try {
    add()
  } catch (error) {
    return { kind: 'failed', error }
  }
}

function partResult(part: Part, result: WriterResult): PartResult {
  if (result.kind === 'written') return { ...result, part }
  if (result.kind === 'guard') return { kind: 'dropped', guard: part.guards![result.guard]!.name }
  return result
}
