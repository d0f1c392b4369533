import type Sqlite from 'better-sqlite3'
import { readRows } from '../bound-value.ts'
import type { WriterPart, WriterStatement } from './batch-message.ts'
import { prepare } from './prepare.ts'

/** What became of a part on the writer's side: `guard` is the place of the guard that failed, `rows` are what its writes gave back. */
export type WriterResult =
  | { readonly kind: 'written'; readonly rows?: readonly unknown[] }
  | { readonly kind: 'guard'; readonly guard: number }
  | { readonly kind: 'stale'; readonly version: number }
  | { readonly kind: 'failed'; readonly error: Error }

export type WriterAnswer = { readonly before: number; readonly results: readonly WriterResult[] }

export type BatchTransaction = {
  readonly learn: (id: number, sql: string) => void
  readonly position: () => number
  /** Writes parts in one transaction. An error in one of them fails that one alone; one of the transaction itself fails all. */
  readonly write: (parts: readonly WriterPart[]) => WriterAnswer
}

type PartWriter = (part: WriterPart) => WriterResult

/** Writes batches over a connection that nothing else uses. */
export function batchTransaction(connection: Sqlite.Database): BatchTransaction {
  const statements = new Map<number, Sqlite.Statement | string>()
  const begin = connection.prepare('BEGIN IMMEDIATE')
  const commit = connection.prepare('COMMIT')
  const selectPosition = connection.prepare<[], number>('SELECT position FROM positions WHERE id = 1').pluck()
  const updatePosition = connection.prepare('UPDATE positions SET position = ? WHERE id = 1')
  const position = () => selectPosition.get() as number
  const parts = partWriter(connection, (id) => {
    const known = statements.get(id)
    if (typeof known !== 'string') return known!
    const prepared = prepare(connection, known)
    statements.set(id, prepared)
    return prepared
  })

  function inTransaction(batch: readonly WriterPart[], write: PartWriter): WriterAnswer {
    begin.run()
    const before = position()
    parts.start(before)
    const results = batch.map(write)
    parts.checkRooms()
    if (parts.position() > before) updatePosition.run(parts.position())
    commit.run()
    return { before, results }
  }

  return {
    learn: (id, sql) => void statements.set(id, sql),
    position,
    write(batch) {
      try {
        return inTransaction(batch, parts.write)
      } catch {
        if (connection.inTransaction) connection.exec('ROLLBACK')
      }
      try {
        return inTransaction(batch, parts.writeAlone)
      } catch (error) {
        if (connection.inTransaction) connection.exec('ROLLBACK')
        return { before: 0, results: batch.map(() => ({ kind: 'failed', error: error as Error })) }
      }
    },
  }
}

/** Runs a write, and gathers the rows that it gives back (`RETURNING`). */
function runWrite(statement: Sqlite.Statement, { parameters }: WriterStatement, rows: unknown[]): void {
  if (!statement.reader) statement.run(...parameters)
  else for (const row of readRows(statement.all(...parameters))) rows.push(row)
}

/** Writes parts inside an open transaction and counts positions. */
function partWriter(connection: Sqlite.Database, prepared: (id: number) => Sqlite.Statement) {
  const selectVersion = connection.prepare<[string], number>('SELECT version FROM rooms WHERE room_id = ?').pluck()
  const insertLog = connection.prepare('INSERT INTO log (position, kind, key) VALUES (?, ?, ?)')
  let last = 0
  let rowsOfPart = 0
  let rooms = new Map<string, number>()
  connection.function('position_of', { directOnly: true }, (n: unknown) => {
    if (!(Number(n) >= 0 && Number(n) < rowsOfPart)) throw new RangeError(`position_of(${n}) in a part of ${rowsOfPart} log rows`)
    return BigInt(last + 1 + Number(n))
  })

  const version = (room: string) => selectVersion.get(room) ?? 0
  const checkRoom = (room: string, expected: number) => {
    if (version(room) !== expected) throw new Error(`the part that claimed ${room} at ${expected - 1} did not move its version`)
  }
  const passes = ({ id, parameters, expectsRow }: WriterStatement) => (prepared(id).get(...parameters) !== undefined) === expectsRow

  function write({ room, guards, writes, log }: WriterPart): WriterResult {
    const at = room && version(room.id)
    if (at !== undefined && at !== room?.version) return { kind: 'stale', version: at }
    const guard = guards.findIndex((each) => !passes(each))
    if (guard >= 0) return { kind: 'guard', guard }
    rowsOfPart = log.length / 2
    const rows: unknown[] = []
    for (const each of writes) runWrite(prepared(each.id), each, rows)
    for (let place = 0; place < log.length; place += 2) insertLog.run(++last, log[place], log[place + 1])
    if (room) rooms.set(room.id, room.version + 1)
    return rows.length > 0 ? { kind: 'written', rows } : { kind: 'written' }
  }

  return {
    start(before: number): void {
      last = before
      rooms = new Map()
    },
    position: () => last,
    write,
    checkRooms(): void {
      for (const [room, expected] of rooms) checkRoom(room, expected)
    },
    /** Writes a part under a savepoint, so that an error undoes and fails it alone. */
    writeAlone(part: WriterPart): WriterResult {
      const before = last
      const earlier = part.room && rooms.get(part.room.id)
      connection.exec('SAVEPOINT part')
      try {
        const result = write(part)
        if (result.kind === 'written' && part.room) checkRoom(part.room.id, part.room.version + 1)
        connection.exec('RELEASE part')
        return result
      } catch (error) {
        last = before
        if (part.room && earlier !== undefined) rooms.set(part.room.id, earlier)
        else if (part.room) rooms.delete(part.room.id)
        connection.exec('ROLLBACK TO part; RELEASE part')
        return { kind: 'failed', error: error as Error }
      }
    },
  }
}
