import { decodeBase64 } from '../base64.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { ServerName } from '../ids.ts'
import { isJsonObject, type JsonObject } from '../json.ts'
import { verifyText } from '../signatures.ts'

/** A key of a server as it says itself. */
export type ServerKey = {
  readonly keyId: string
  /** Unpadded Base64. */
  readonly key: string
  /** Milliseconds since the epoch: until when it may be used (a key in use), or since when it no longer is (an old one). */
  readonly until: number
  /** Good for events alone, not for requests. */
  readonly isOld: boolean
}
export type ServerKeys = { readonly serverName: ServerName; readonly validUntil: number; readonly keys: readonly ServerKey[] }

const mostKeys = 32
const longestKeyId = 255

/**
 * Checks what a server says of its keys: it names the server, and every signature of it under one of its keys is right, one at least.
 * Undefined for anything else. https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export function checkServerKeys(response: JsonObject, serverName: ServerName): ServerKeys | undefined {
  const { server_name, valid_until_ts: validUntil, verify_keys, old_verify_keys: old = {}, signatures } = response
  if (server_name !== serverName || !isTimestamp(validUntil) || !isJsonObject(verify_keys) || !isJsonObject(old)) return undefined
  if (Object.keys(verify_keys).length + Object.keys(old).length > mostKeys) return undefined
  const text = signedText(response)
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, serverName) ? signatures[serverName] : undefined
  if (text === undefined || !isJsonObject(own)) return undefined
  const keys: ServerKey[] = []
  let signed = 0
  for (const [keyId, value] of Object.entries(verify_keys)) {
    const key = keyOf(keyId, value)
    if (key === undefined) continue
    if (Object.hasOwn(own, keyId)) {
      if (!verifyText(text, own[keyId], key)) return undefined
      signed += 1
    }
    keys.push({ keyId, key, until: validUntil, isOld: false })
  }
  for (const [keyId, value] of Object.entries(old)) {
    const key = keyOf(keyId, value)
    const expired = isJsonObject(value) ? value['expired_ts'] : undefined
    if (key !== undefined && isTimestamp(expired) && !Object.hasOwn(verify_keys, keyId)) {
      keys.push({ keyId, key, until: expired, isOld: true })
    }
  }
  return signed === 0 ? undefined : { serverName, validUntil, keys }
}

/** What a server signs of its words; undefined where they have no canonical form, so that nobody could sign them again. */
function signedText(response: JsonObject): string | undefined {
  try {
    return canonicalJson({ ...response, signatures: undefined, unsigned: undefined })
  } catch {
    return undefined
  }
}

function keyOf(keyId: string, value: unknown): string | undefined {
  const key = isJsonObject(value) ? value['key'] : undefined
  const isOurs = keyId.startsWith('ed25519:') && keyId.length <= longestKeyId
  return isOurs && typeof key === 'string' && decodeBase64(key)?.length === 32 ? key : undefined
}

function isTimestamp(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

const longestValidity = 7 * 24 * 3_600_000

/**
 * Whether a key may have signed something at a time. "Servers MUST use the lesser of [valid_until_ts] and 7 days into the future when determining if
 * a key is valid", counted from when the key was fetched. https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export function isValidAt({ until, isOld }: ServerKey, fetchedAt: number, at: number): boolean {
  return at <= (isOld ? until : lesser(until, fetchedAt))
}

/** The lesser of `validUntil` and seven days after it was said. */
export function lesser(validUntil: number, fetchedAt: number): number {
  return Math.min(validUntil, fetchedAt + longestValidity)
}
