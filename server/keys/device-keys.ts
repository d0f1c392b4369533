import { decodeBase64 } from '../core/base64.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import type { DeviceId, UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam, MatrixError } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import { verifySignature } from '../core/signatures.ts'

/** A key as it was uploaded: its id with the algorithm in front, and its JSON. */
export type UploadedKey = { readonly keyId: string; readonly algorithm: string; readonly content: string }

const mostKeys = 500

export function invalidSignature(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_SIGNATURE', message)
}

/**
 * The device keys of an upload as they are to be kept: with the signatures of their owner alone. Throws `M_BAD_JSON` for a wrong shape,
 * `M_INVALID_PARAM` for keys of someone else, `M_INVALID_SIGNATURE` when the device did not sign them.
 * https://spec.matrix.org/v1.19/client-server-api/#device-keys
 */
export function checkDeviceKeys(value: Json | undefined, userId: UserId, deviceId: DeviceId): JsonObject {
  if (!isJsonObject(value)) throw badJson('device_keys is not an object')
  if (value['user_id'] !== userId || value['device_id'] !== deviceId) throw invalidParam('device_keys are those of another user or device')
  const { algorithms, keys, signatures } = value
  if (!Array.isArray(algorithms) || algorithms.length > 50 || !algorithms.every((one) => isPlainText(one))) {
    throw badJson('device_keys.algorithms is not a list of names')
  }
  if (!isJsonObject(keys)) throw badJson('device_keys.keys is not an object')
  for (const [id, key] of Object.entries(keys)) {
    const named = id.length > deviceId.length + 1 && id.endsWith(`:${deviceId}`)
    if (!named || !isPlainText(key, 1024)) throw badJson('device_keys.keys holds something else than keys of this device')
  }
  const publicKey = keys[`ed25519:${deviceId}`]
  if (typeof publicKey !== 'string' || decodeBase64(publicKey)?.length !== 32) throw badJson('device_keys.keys has no Ed25519 key')
  if (!verifySignature(value, userId, `ed25519:${deviceId}`, publicKey)) throw invalidSignature('the device did not sign its keys')
  const own = (signatures as JsonObject)[userId] as JsonObject
  if (!Object.entries(own).every(([id, text]) => isPlainText(id) && isPlainText(text))) throw badJson('a signature is not a text')
  return { ...value, signatures: { [userId]: own }, unsigned: undefined }
}

/** The Ed25519 key of device keys that `checkDeviceKeys` let pass. */
export function signingKeyOf(deviceKeys: JsonObject): string {
  const keys = deviceKeys['keys'] as JsonObject
  return String(keys[`ed25519:${deviceKeys['device_id']}`])
}

/** What of a signed object its signatures cover. */
export function unsignedText(object: JsonObject): string {
  return canonicalJson({ ...object, signatures: undefined, unsigned: undefined }, false)
}

/**
 * The one-time or fallback keys of an upload. The first signed key must bear the signature of its device (`signingKey` is undefined while the
 * server does not know the device's key), so that a client that signs wrongly hears of it at once; whoever claims a key verifies it, and must,
 * since servers are not trusted with keys. To verify them all here would take five hundred times as long and protect nobody.
 * Throws `M_BAD_JSON` or `M_INVALID_SIGNATURE`. https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys
 */
export function checkKeys(
  name: string,
  value: Json | undefined,
  userId: UserId,
  deviceId: DeviceId,
  signingKey: string | undefined,
): UploadedKey[] {
  if (value === undefined) return []
  if (!isJsonObject(value)) throw badJson(`${name} is not an object`)
  const entries = Object.entries(value)
  if (entries.length > mostKeys) throw invalidParam(`${name} holds more than ${mostKeys} keys`)
  let verified = signingKey === undefined
  return entries.map(([keyId, key]) => {
    const [, algorithm] = /^([A-Za-z0-9_.-]+):[^\0]+$/.exec(keyId) ?? []
    if (algorithm === undefined || !isPlainText(keyId)) throw badJson(`${name} holds a key without a name such as signed_curve25519:AAAA`)
    if (!isKey(key)) throw badJson(`${name} holds something else than keys`)
    if (!verified && typeof key !== 'string' && algorithm.startsWith('signed_')) {
      if (!verifySignature(key, userId, `ed25519:${deviceId}`, signingKey!)) throw invalidSignature(`${keyId} is not signed by the device`)
      verified = true
    }
    return { keyId, algorithm, content: canonicalJson(key, false) }
  })
}

/** Whether a value has the form of a one-time key. */
export function isKey(value: Json | undefined): value is string | JsonObject {
  return isPlainText(value, 4096) || (isJsonObject(value) && isPlainText(value['key'], 4096))
}
