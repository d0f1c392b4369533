import { boundValue, readRows, readText } from '../bound-value.ts'
import type { BatchResult, PartResult } from '../commit-queue.ts'
import type { Guard, Part, Select, Statement } from '../database.ts'
import { boundQuery, type Query } from './portable-sql.ts'
import { ConnectionLost, type Rows, type Session } from './session.ts'
import type { WriterSession } from './writer-session.ts'

const query = (sql: string, ...parameters: Query['parameters'][number][]): Query => ({ sql, parameters })
const lockRooms = `SELECT room_id, version FROM rooms WHERE room_id IN (SELECT value FROM json_each(CAST($1 AS text))) ORDER BY room_id FOR UPDATE`
const lockNames = 'SELECT pg_advisory_xact_lock(hashtextextended(value, 0)) FROM json_each(CAST($1 AS text))'
const insertLog = `INSERT INTO log (position, kind, key) SELECT positions.position - $1 + row.n, row.kind, row.key
  FROM positions, ROWS FROM (json_array_elements_text(CAST(CAST($2 AS text) AS json)), json_array_elements_text(CAST(CAST($3 AS text) AS json)))
  WITH ORDINALITY AS row(kind, key, n) WHERE positions.id = 1`
const recordBatch = `INSERT INTO batches (writer, batch, position, started_at) SELECT $1, $2, position, $3 FROM positions WHERE id = 1
  ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, position = excluded.position, started_at = excluded.started_at`
const notify = `SELECT pg_notify('tombolo', CAST(position AS text)) FROM positions WHERE id = 1`

/** A part on its way through the batch: what it ends as, and for one that is written its claim's version. */
type Decided = { readonly result: PartResult; readonly part?: Part }

export type BatchOptions = { readonly writer: WriterSession; readonly now: () => number; readonly finishing: () => void }
/** `joining` gives the parts that came while these rooms were waited for. */
export type Joining = { readonly joining: (locked: ReadonlySet<string>) => readonly Part[] }

/**
 * Writes parts in one transaction over `session`: rooms and guards are locked and read in one round trip, parts of rooms that moved on are decided
 * again under the lock, then everything from the counter to COMMIT goes in one send. Rejects with ConnectionLost when nothing was written for
 * lack of a connection, with the error when the transaction was rolled back.
 */
export async function writeBatch(
  session: Session,
  parts: readonly Part[],
  batch: number,
  options: BatchOptions & Joining,
): Promise<BatchResult> {
  const { versions, guards: first } = await lock(session, parts)
  const late = options.joining(new Set(versions.keys()))
  const guards = [...first, ...(await readGuards(session, late))]
  const decided: Decided[] = []
  const onDisk = new Map(versions)
  for (const [place, part] of [...parts, ...late].entries())
    decided.push(await decide({ session, versions, onDisk }, part, () => guards[place]))
  const results = decided.map(({ result }) => result)
  const written = decided.flatMap(({ part }) => part ?? [])
  if (written.length === 0) {
    await session.send([query('ROLLBACK')])
    return { before: 0, results }
  }
  const total = written.reduce((sum, part) => sum + (part.log?.length ?? 0), 0)
  const queries = writeQueries(written, total, [options.writer.id, batch, options.now()])
  options.finishing()
  const { position, rows } = await finish(session, queries, () => options.writer.lookUp(batch))
  return { before: position - total, results: withRows(results, rows) }
}

type Locked = { readonly versions: Map<string, number>; readonly guards: readonly (Guard | undefined)[] }

/** Begins; gives the versions of the claimed rooms, now locked, and of each part the guard that failed. */
async function lock(session: Session, parts: readonly Part[]): Promise<Locked> {
  const rooms = [...new Set(parts.flatMap((part) => part.room?.id ?? []))].toSorted()
  const guards = parts.flatMap((part) => (part.guards ?? []).map(guardQuery))
  const locks = rooms.length > 0 ? [query(lockRooms, boundValue(rooms))] : []
  const rows = await session.send([query('BEGIN'), ...locks, ...guards])
  const versions = new Map(locks.length > 0 ? versionsIn(rows[1]!) : [])
  const missing = rooms.filter((id) => !versions.has(id))
  if (missing.length > 0) for (const [id, version] of await lockMissing(session, missing)) versions.set(id, version)
  return { versions, guards: failedGuards(parts, rows.slice(1 + locks.length)) }
}

async function readGuards(session: Session, parts: readonly Part[]): Promise<(Guard | undefined)[]> {
  const guards = parts.flatMap((part) => (part.guards ?? []).map(guardQuery))
  return failedGuards(parts, guards.length > 0 ? await session.send(guards) : [])
}

/** The guard that failed, of each part; `answers` are those of all their guards, in order. */
function failedGuards(parts: readonly Part[], answers: readonly Rows[]): (Guard | undefined)[] {
  let place = 0
  return parts.map((part) => {
    const from = place
    place += part.guards?.length ?? 0
    return failedGuard(part, answers.slice(from, place))
  })
}

const versionsIn = (rows: Rows) => rows.map((row) => [readText(row['room_id'] as string), row['version'] as number] as const)

/** A room without a row has nothing to lock but its name; whoever waited for that looks again. */
async function lockMissing(session: Session, rooms: readonly string[]): Promise<Map<string, number>> {
  const list = boundValue(rooms)
  const [, found] = await session.send([query(lockNames, list), query(lockRooms, list)])
  return new Map([...rooms.map((id) => [id, 0] as const), ...versionsIn(found!)])
}

/** A row that a guard expects stays until COMMIT. */
function guardQuery({ statement, parameters, expects }: Guard): Query {
  const bound = boundQuery(statement, parameters)
  return expects === 'row' ? { ...bound, sql: `${bound.sql} FOR UPDATE` } : bound
}

function failedGuard(part: Part, answers: readonly Rows[]): Guard | undefined {
  return part.guards?.find((guard, place) => answers[place]!.length > 0 !== (guard.expects === 'row'))
}

/** Versions as the batch leaves them, and as it found them. */
type Deciding = { readonly session: Session; readonly versions: Map<string, number>; readonly onDisk: ReadonlyMap<string, number> }

/** What becomes of a part; one whose room moved on is decided again here. Moves the room's version on in `versions`. */
async function decide(deciding: Deciding, part: Part, guard: () => Guard | undefined): Promise<Decided> {
  const { session, versions } = deciding
  const room = part.room
  const version = room ? versions.get(room.id)! : 0
  if (!room || (room.version === version && !room.isVoid?.())) {
    const failed = guard()
    if (failed) return { result: { kind: 'dropped', guard: failed.name } }
    if (room) versions.set(room.id, version + 1)
    return { result: { kind: 'written', part }, part }
  }
  try {
    const again = await room.decideAgain(selectIn(session), version, deciding.onDisk.get(room.id)!)
    if (!again) return { result: { kind: 'dropped', guard: 'room' } }
    if (again.room && again.room.version !== version) throw new Error(`a part of ${room.id} claims ${again.room.version}, not ${version}`)
    // The same guards were read under the room's lock already.
    if (keyOfGuards(again) === keyOfGuards(part)) return decide(deciding, again, guard)
    const answers = await session.send((again.guards ?? []).map(guardQuery))
    return decide(deciding, again, () => failedGuard(again, answers))
  } catch (error) {
    if (error instanceof ConnectionLost) throw error
    return { result: { kind: 'failed', error } }
  }
}

const keyOfGuards = ({ guards = [] }: Part) =>
  JSON.stringify(guards.map(({ name, expects, statement, parameters }) => [name, expects, statement.id, parameters]))

function selectIn(session: Session): Select {
  return async (of, ...parameters) => (await session.send([boundQuery(of as unknown as Statement, parameters)]))[0] as never
}

/** Everything from the counter to COMMIT. The counter's row orders the commits of all processes, so it is locked first and for this send alone. */
function writeQueries(parts: readonly Part[], total: number, record: readonly (string | number)[]): Query[] {
  const log = parts.flatMap((part) => part.log ?? [])
  const queries = [counterQuery(total)]
  let first = 1 - total
  for (const part of parts) {
    const rows = part.log?.length ?? 0
    for (const { statement, parameters } of part.writes) queries.push(boundQuery(statement, parameters, { first, rows }))
    first += rows
  }
  const claims = new Map(parts.flatMap(({ room }) => (room ? [[room.id, room.version + 1] as const] : [])))
  if (claims.size > 0)
    queries.push(query('SELECT check_versions($1, $2)', boundValue([...claims.keys()]), boundValue([...claims.values()])))
  if (total > 0) {
    const columns = [log.map((row) => row.kind), log.map((row) => row.key)].map(boundValue)
    queries.push(query(insertLog, total, ...columns), query(notify))
  }
  queries.push(query(recordBatch, ...record), query('COMMIT'))
  return queries
}

function counterQuery(total: number): Query {
  if (total === 0) return query('SELECT position FROM positions WHERE id = 1')
  return query('UPDATE positions SET position = position + $1 WHERE id = 1 RETURNING position', total)
}

type Finished = { readonly position: number; readonly rows: readonly Rows[] }

/**
 * Sends it; gives the position of the last row, and the rows of each query but the first. When the answer was lost, it is looked up whether the batch was
 * committed; the rows are lost then.
 */
async function finish(session: Session, queries: readonly Query[], lookUp: () => Promise<number | undefined>): Promise<Finished> {
  try {
    const rows = await session.send(queries)
    if (rows[rows.length - 1]!.command !== 'COMMIT') throw new Error('the transaction was rolled back')
    return { position: rows[0]![0]!['position'] as number, rows: rows.slice(1) }
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
    const position = await lookUp()
    if (position === undefined) throw error
    return { position, rows: [] }
  }
}

/** The results with what the writes of each part gave back; `rows` are those of all writes, in order. */
function withRows(results: readonly PartResult[], rows: readonly Rows[]): PartResult[] {
  let place = 0
  return results.map((result) => {
    if (result.kind !== 'written') return result
    const from = place
    place += result.part.writes.length
    const own = rows.slice(from, place).flatMap((each) => readRows([...each]))
    return own.length > 0 ? { ...result, rows: own } : result
  })
}
