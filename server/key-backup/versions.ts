import { canonicalJson } from '../core/canonical-json.ts'
import { readOptionalObject, readText } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { conflict, invalidParam, missingParam, notFound } from '../core/matrix-error.ts'
import { checkPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import {
  type BackupRow,
  deleteKeys,
  insertBackup,
  selectBackup,
  selectCurrentBackup,
  selectLastVersion,
  updateAuthData,
  updateDeleted,
} from './key-backup.store.ts'

type Tools = Pick<Home, 'database'>

const tries = 20

/** Makes the backup that keys are written to from now on; answers its version. */
export async function createBackup({ database }: Tools, userId: UserId, body: JsonObject): Promise<string> {
  const { algorithm, authData } = readBackup(body)
  for (let left = tries; left > 0; left--) {
    const version = ((await database.selectOne(selectLastVersion, userId))?.version ?? 0) + 1
    try {
      await database.commit({ writes: [write(insertBackup, userId, version, algorithm, authData)] })
      return String(version)
    } catch (error) {
      // Of two that make a backup at once the second finds the number taken.
      const last = (await database.selectOne(selectLastVersion, userId))?.version ?? 0
      if (last < version) throw error
    }
  }
  throw conflict('backups are made by too many at once')
}

/** The newest backup. 404 M_NOT_FOUND when there is none. */
export async function readCurrentBackup({ database }: Tools, userId: UserId): Promise<BackupRow> {
  const row = await database.selectOne(selectCurrentBackup, userId)
  if (row === undefined) throw notFound('no current backup version')
  return row
}

/** A backup of a user by its version. 404 M_NOT_FOUND when there is no such one, or no more. */
export async function readVersion({ database }: Tools, userId: UserId, version: string | null | undefined): Promise<BackupRow> {
  const row = version != null && /^\d{1,15}$/.test(version) ? await database.selectOne(selectBackup, userId, Number(version)) : undefined
  if (row === undefined || String(row.version) !== version) throw notFound('unknown backup version')
  return row
}

/** "Only `auth_data` can be modified": 400 M_INVALID_PARAM for another algorithm or version. */
export async function updateBackup(home: Tools, userId: UserId, version: string | undefined, body: JsonObject): Promise<void> {
  const { algorithm, authData } = readBackup(body)
  const row = await readVersion(home, userId, version)
  if (algorithm !== row.algorithm) throw invalidParam('the algorithm of a backup stays as it is')
  if (body['version'] !== undefined && body['version'] !== version) throw invalidParam('the version in the body is not that of the path')
  await home.database.commit({ writes: [write(updateAuthData, authData, userId, row.version)] })
}

/** Ends a backup, and all keys in it. 404 M_NOT_FOUND when there is none. */
export async function deleteBackup(home: Tools, userId: UserId, version: string | undefined): Promise<void> {
  const row = await readVersion(home, userId, version)
  await home.database.commit({ writes: [write(updateDeleted, userId, row.version), write(deleteKeys, userId, row.version)] })
}

/** A backup as clients see it. */
export function backupBody({ version, algorithm, auth_data, etag, key_count }: BackupRow): JsonObject {
  return { version: String(version), algorithm, auth_data: JSON.parse(auth_data), etag: String(etag), count: key_count }
}

function readBackup(body: JsonObject): { algorithm: string; authData: string } {
  const algorithm = checkPlainText('algorithm', readText(body, 'algorithm'))
  const authData = readOptionalObject(body, 'auth_data')
  if (authData === undefined) throw missingParam('`auth_data` is missing')
  return { algorithm, authData: canonicalJson(authData, false) }
}
