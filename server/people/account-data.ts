import { canonicalJson } from '../core/canonical-json.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'

import { conflict } from '../core/matrix-error.ts'
import { type Database, guard, type LogRow, type Write, write } from '../storage/database.ts'
import {
  type AccountDataRow,
  insertAccountData,
  selectAccountData,
  selectAccountDataAt,
  selectAccountDataBetween,
  selectAccountDataOfRooms,
  selectAccountDataOfType,
  upsertAccountData,
} from './account-data.store.ts'

/** A piece of account data; without a room it belongs to the account itself. */
export type AccountData = {
  readonly roomId: RoomId | undefined
  readonly type: string
  readonly content: JsonObject
  readonly position: number
}

/** A write and the log row that its part must carry as its n-th. */
export type Change = { readonly write: Write; readonly log: LogRow }

const tries = 20

/** The write that sets account data, whose log row is the part's n-th. */
export function accountDataChange(userId: UserId, roomId: RoomId | undefined, type: string, content: JsonObject, nthRow: number): Change {
  const text = canonicalJson(content, false)
  return { write: write(upsertAccountData, userId, roomId ?? '', type, text, nthRow), log: logRow(userId) }
}

/** Account data as it was set last; undefined when it never was. */
export async function readAccountData(
  database: Pick<Database, 'selectOne'>,
  userId: UserId,
  roomId: RoomId | undefined,
  type: string,
): Promise<JsonObject | undefined> {
  const row = await database.selectOne(selectAccountData, userId, roomId ?? '', type)
  return row && contentOf(row)
}

/** What of a user's account data was set in (after, upTo], oldest change first. */
export async function accountDataBetween(
  database: Pick<Database, 'select'>,
  userId: UserId,
  after: number,
  upTo: number,
): Promise<AccountData[]> {
  return (await database.select(selectAccountDataBetween, userId, after, upTo)).map(dataOf)
}

/** What of a user's account data in some rooms was set up to a position; the empty string stands for what belongs to no room. */
export async function accountDataOfRooms(
  database: Pick<Database, 'select'>,
  userId: UserId,
  roomIds: readonly (RoomId | '')[],
  upTo: number,
): Promise<AccountData[]> {
  return (await database.select(selectAccountDataOfRooms, userId, roomIds, upTo)).map(dataOf)
}

/** A user's account data of one type, of the account and of every room. */
export async function accountDataOfType(database: Pick<Database, 'select'>, userId: UserId, type: string): Promise<AccountData[]> {
  return (await database.select(selectAccountDataOfType, userId, type)).map(dataOf)
}

/**
 * Changes account data on the grounds of what it is: `edit` is asked again when another change came first. An `edit` that answers undefined
 * leaves it as it is.
 */
export async function editAccountData(
  database: Database,
  userId: UserId,
  roomId: RoomId | undefined,
  type: string,
  edit: (content: JsonObject | undefined) => JsonObject | undefined,
): Promise<void> {
  const room = roomId ?? ''
  for (let left = tries; left > 0; left--) {
    const row = await database.selectOne(selectAccountData, userId, room, type)
    const content = edit(row && contentOf(row))
    if (content === undefined) return
    const text = canonicalJson(content, false)
    // Of two that set it for the first time at once, the second collides on the key, is written again and fails its guard.
    const part = row
      ? { guard: guard('unchanged', 'row', selectAccountDataAt, userId, room, type, row.position), statement: upsertAccountData }
      : { guard: guard('unchanged', 'no row', selectAccountData, userId, room, type), statement: insertAccountData }
    const set = write(part.statement, userId, room, type, text, 0)
    if ((await database.commit({ guards: [part.guard], writes: [set], log: [logRow(userId)] })).ok) return
  }
  throw conflict('this account data is changed by too many at once')
}

function logRow(userId: UserId): LogRow {
  return { kind: 'account_data', key: userId }
}

function dataOf(row: AccountDataRow): AccountData {
  return {
    roomId: row.room_id === '' ? undefined : (row.room_id as RoomId),
    type: row.type,
    content: contentOf(row),
    position: row.position,
  }
}

function contentOf(row: { content: string }): JsonObject {
  return parseKept(row.content) as JsonObject
}
