import { canonicalJson } from '../core/canonical-json.ts'
import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'

import { conflict, invalidParam } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { deviceListChanges } from '../people/device-changes.ts'
import { type Guard, guard, type LogRow, type Part, type Write, write } from '../storage/database.ts'
import { checkDeviceKeys, checkKeys, signingKeyOf, type UploadedKey } from './device-keys.ts'
import {
  insertDeviceKeys,
  insertOneTimeKey,
  type OneTimeKeyRow,
  selectDeviceKeys,
  selectFallbackKeys,
  selectOneTimeKeys,
  selectSameDeviceKeys,
  updateDeviceKeys,
  upsertFallbackKey,
} from './keys.store.ts'

type Owner = { readonly userId: UserId; readonly deviceId: DeviceId }
type Known = {
  readonly deviceKeys: string | undefined
  readonly oneTimeKeys: readonly OneTimeKeyRow[]
  readonly fallbackKeys: readonly OneTimeKeyRow[]
}

const tries = 10

/**
 * Keeps what a device uploads. Throws `M_BAD_JSON`, `M_INVALID_PARAM` and `M_INVALID_SIGNATURE`; nothing is kept then.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload
 */
export async function uploadKeys({ database }: Pick<Home, 'database'>, owner: Owner, body: JsonObject): Promise<void> {
  const { userId, deviceId } = owner
  const deviceKeys = body['device_keys'] === undefined ? undefined : checkDeviceKeys(body['device_keys'], userId, deviceId)
  for (let left = tries; left > 0; left--) {
    const stored = await database.selectOne(selectDeviceKeys, userId, deviceId)
    const signer = deviceKeys ?? (stored && (JSON.parse(stored.content) as JsonObject))
    const check = (name: string) => checkKeys(name, body[name], userId, deviceId, signer && signingKeyOf(signer))
    const oneTimeKeys = check('one_time_keys')
    const fallbackKeys = check('fallback_keys')
    const keyIds = oneTimeKeys.map(({ keyId }) => keyId)
    const [knownOneTimeKeys, knownFallbackKeys] = await Promise.all([
      // Nearly always all are new; when they are not, the guard says so.
      left < tries && keyIds.length > 0 ? database.select(selectOneTimeKeys, userId, deviceId, keyIds) : [],
      fallbackKeys.length > 0 ? database.select(selectFallbackKeys, userId, deviceId) : [],
    ])
    const known = { deviceKeys: stored?.content, oneTimeKeys: knownOneTimeKeys, fallbackKeys: knownFallbackKeys }
    const part = decide(owner, known, deviceKeys, oneTimeKeys, fallbackKeys)
    if (part.writes.length === 0 || (await database.commit(part)).ok) return
  }
  throw conflict('the keys of this device are uploaded by too many at once')
}

function decide(
  owner: Owner,
  known: Known,
  deviceKeys: JsonObject | undefined,
  oneTimeKeys: readonly UploadedKey[],
  fallbackKeys: readonly UploadedKey[],
): Part {
  const guards: Guard[] = []
  const writes: Write[] = []
  const log: LogRow[] = []
  const fresh = newKeys(oneTimeKeys, known.oneTimeKeys)
  const replaced = replacedFallbackKeys(fallbackKeys, known.fallbackKeys)
  const { userId, deviceId } = owner
  if (fresh.length > 0)
    guards.push(
      guard(
        'new keys',
        'no row',
        selectOneTimeKeys,
        userId,
        deviceId,
        fresh.map(({ keyId }) => keyId),
      ),
    )
  for (const [place, { keyId, algorithm, content }] of fresh.entries()) {
    writes.push(write(insertOneTimeKey, userId, deviceId, keyId, algorithm, content, 0, place))
  }
  for (const { keyId, algorithm, content } of replaced) writes.push(write(upsertFallbackKey, userId, deviceId, algorithm, keyId, content))
  if (writes.length > 0) log.push({ kind: 'one_time_keys', key: userId })
  if (deviceKeys) addDeviceKeys({ guards, writes, log }, owner, known.deviceKeys, deviceKeys)
  return { guards, writes, log }
}

function addDeviceKeys(
  part: { guards: Guard[]; writes: Write[]; log: LogRow[] },
  { userId, deviceId }: Owner,
  stored: string | undefined,
  deviceKeys: JsonObject,
): void {
  const content = canonicalJson(deviceKeys, false)
  if (content === stored) return
  if (stored === undefined) {
    part.guards.push(guard('device keys', 'no row', selectDeviceKeys, userId, deviceId))
    part.writes.push(write(insertDeviceKeys, userId, deviceId, content))
  } else {
    const before = JSON.parse(stored) as JsonObject
    if (canonicalJson(before['keys']!) !== canonicalJson(deviceKeys['keys']!))
      throw invalidParam('this device has other identity keys already')
    part.guards.push(guard('device keys', 'row', selectSameDeviceKeys, userId, deviceId, stored))
    part.writes.push(write(updateDeviceKeys, content, userId, deviceId))
  }
  const change = deviceListChanges(userId, part.log.length, [deviceId])
  part.writes.push(...change.writes)
  part.log.push(...change.log)
}

/** The keys that are not there yet. The same key once more is fine, another one under its id is not. */
function newKeys(uploaded: readonly UploadedKey[], known: readonly OneTimeKeyRow[]): UploadedKey[] {
  const contents = new Map(known.map((row) => [row.key_id, row.content]))
  return uploaded.filter(({ keyId, content }) => {
    const before = contents.get(keyId)
    if (before !== undefined && before !== content) throw invalidParam(`the one-time key ${keyId} exists already and is another`)
    return before === undefined
  })
}

/** One per algorithm; the same one again stays as it is, used or not. */
function replacedFallbackKeys(uploaded: readonly UploadedKey[], known: readonly OneTimeKeyRow[]): UploadedKey[] {
  const algorithms = new Set(uploaded.map(({ algorithm }) => algorithm))
  if (algorithms.size !== uploaded.length) throw invalidParam('fallback_keys holds two keys of one algorithm')
  return uploaded.filter(({ keyId, content }) => !known.some((row) => row.key_id === keyId && row.content === content))
}
