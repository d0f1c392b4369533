import { canonicalJson } from '../core/canonical-json.ts'
import { isRoomId, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { parseKept } from '../core/lossless-json.ts'
import { badJson, conflict, invalidParam, missingParam, wrongRoomKeysVersion } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { guard, type Write, write } from '../storage/database.ts'
import {
  type BackupRow,
  deleteKey,
  deleteKeys,
  deleteKeysOfRoom,
  type KeyRow,
  selectBackupAt,
  selectKey,
  selectKeys,
  selectKeysOfRoom,
  selectKeysOfSessions,
  selectNewerBackup,
  updateContents,
  upsertKey,
} from './key-backup.store.ts'
import { readCurrentBackup, readVersion } from './versions.ts'

type Tools = Pick<Home, 'database'>

/** Which keys of a backup: all, those of a room, or one. */
export type Which = { readonly roomId?: string | undefined; readonly sessionId?: string | undefined }

/** A key as a client hands it over. */
export type UploadedKey = { readonly roomId: string; readonly sessionId: string; readonly key: JsonObject }

const tries = 50

/**
 * Writes keys to the current backup; of a key that is there already the better one stays. 403 M_WRONG_ROOM_KEYS_VERSION with `current_version` for an
 * older backup, 404 M_NOT_FOUND for none.
 */
export async function storeKeys(home: Tools, userId: UserId, version: string | null, keys: readonly UploadedKey[]): Promise<JsonObject> {
  for (let left = tries; left > 0; left--) {
    const backup = await writableBackup(home, userId, version)
    const sessions = keys.map(({ sessionId }) => sessionId)
    const known = await home.database.select(selectKeysOfSessions, userId, backup.version, sessions)
    const contents = new Map(known.map((row) => [nameOf(row.room_id, row.session_id), parseKept(row.content) as JsonObject]))
    const changed = keys.filter(({ roomId, sessionId, key }) => isBetter(key, contents.get(nameOf(roomId, sessionId))))
    if (changed.length === 0) return contentsBody(backup)
    const added = changed.filter(({ roomId, sessionId }) => !contents.has(nameOf(roomId, sessionId))).length
    const writes = changed.map(({ roomId, sessionId, key }) =>
      write(upsertKey, userId, backup.version, sessionId, roomId, canonicalJson(key, false)),
    )
    const after = await change(home, userId, backup, writes, added, true)
    if (after !== undefined) return after
  }
  throw conflict('the backup is written by too many at once')
}

/** The keys that are asked for. 404 M_NOT_FOUND when there is no such backup. */
export async function readKeys(home: Tools, userId: UserId, version: string | null, which: Which): Promise<KeyRow[]> {
  const backup = await readVersion(home, userId, need(version))
  return selectWhich(home, userId, backup.version, which)
}

/** Deletes the keys that are named. 404 M_NOT_FOUND when there is no such backup; a key that is not there is none to delete. */
export async function deleteWhich(home: Tools, userId: UserId, version: string | null, which: Which): Promise<JsonObject> {
  for (let left = tries; left > 0; left--) {
    const backup = await readVersion(home, userId, need(version))
    const rows = await selectWhich(home, userId, backup.version, which)
    if (rows.length === 0) return contentsBody(backup)
    const { roomId, sessionId } = which
    const one =
      roomId === undefined
        ? write(deleteKeys, userId, backup.version)
        : sessionId === undefined
          ? write(deleteKeysOfRoom, userId, backup.version, roomId)
          : write(deleteKey, userId, backup.version, roomId, sessionId)
    const after = await change(home, userId, backup, [one], -rows.length, false)
    if (after !== undefined) return after
  }
  throw conflict('the backup is written by too many at once')
}

/** The sessions of a room in a body. 400 M_BAD_JSON for what they cannot be. */
export function readSessions(roomId: string, body: JsonObject): UploadedKey[] {
  const { sessions } = body
  if (!isJsonObject(sessions)) throw badJson('`sessions` must be an object')
  return Object.entries(sessions).map(([sessionId, key]) => readKey(roomId, sessionId, key))
}

/** A key in a body. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid */
export function readKey(roomId: string, sessionId: string, key: Json | undefined): UploadedKey {
  if (!isRoomId(roomId)) throw invalidParam('keys belong to rooms, whose ids begin with !')
  if (!isPlainText(sessionId)) throw invalidParam('this is not the id of a session')
  if (!isJsonObject(key)) throw badJson('a key must be an object')
  for (const name of ['first_message_index', 'forwarded_count']) {
    const count = key[name]
    if (!Number.isSafeInteger(count) || Number(count) < 0) throw badJson(`\`${name}\` must be a whole number`)
  }
  if (typeof key['is_verified'] !== 'boolean') throw badJson('`is_verified` must be true or false')
  if (!isJsonObject(key['session_data'])) throw badJson('`session_data` must be an object')
  return { roomId, sessionId, key }
}

/** Whether a key takes the place of the one before it. https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
export function isBetter(key: JsonObject, before: JsonObject | undefined): boolean {
  if (before === undefined) return true
  // "if the keys have different values for is_verified, then it will keep the key that has is_verified set to true"
  if (key['is_verified'] !== before['is_verified']) return key['is_verified'] === true
  // "if they have the same values for is_verified, then it will keep the key with a lower first_message_index"
  const [index, indexBefore] = [Number(key['first_message_index']), Number(before['first_message_index'])]
  if (index !== indexBefore) return index < indexBefore
  // "if is_verified and first_message_index are equal, then it will keep the key with a lower forwarded_count"
  return Number(key['forwarded_count']) < Number(before['forwarded_count'])
}

async function writableBackup(home: Tools, userId: UserId, version: string | null): Promise<BackupRow> {
  const backup = await readVersion(home, userId, need(version))
  const current = await readCurrentBackup(home, userId)
  if (current.version !== backup.version) throw wrongRoomKeysVersion(undefined, { current_version: String(current.version) })
  return backup
}

/** Writes what was decided on a backup, unless it changed meanwhile: then undefined. */
async function change(
  { database }: Tools,
  userId: UserId,
  backup: BackupRow,
  writes: readonly Write[],
  added: number,
  onlyCurrent: boolean,
): Promise<JsonObject | undefined> {
  const { version, etag } = backup
  const after = { ...backup, etag: etag + 1, key_count: backup.key_count + added }
  const unchanged = guard('unchanged', 'row', selectBackupAt, userId, version, etag)
  const outcome = await database.commit({
    guards: onlyCurrent ? [unchanged, guard('current', 'no row', selectNewerBackup, userId, version)] : [unchanged],
    writes: [...writes, write(updateContents, after.etag, after.key_count, userId, version)],
  })
  return outcome.ok ? contentsBody(after) : undefined
}

function selectWhich({ database }: Tools, userId: UserId, version: number, { roomId, sessionId }: Which): Promise<KeyRow[]> {
  if (roomId === undefined) return database.select(selectKeys, userId, version)
  if (!isRoomId(roomId)) throw invalidParam('keys belong to rooms, whose ids begin with !')
  if (sessionId === undefined) return database.select(selectKeysOfRoom, userId, version, roomId)
  if (!isPlainText(sessionId)) throw invalidParam('this is not the id of a session')
  return database.select(selectKey, userId, version, roomId, sessionId)
}

function need(version: string | null): string {
  if (version === null) throw missingParam('`version` is missing')
  return version
}

const nameOf = (roomId: string, sessionId: string) => `${roomId}\0${sessionId}`

const contentsBody = ({ etag, key_count }: BackupRow): JsonObject => ({ etag: String(etag), count: key_count })
