import { decodeBase64 } from '../core/base64.ts'
import type { UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import { verifySignature } from '../core/signatures.ts'
import { invalidSignature } from './device-keys.ts'

export const usages = ['master', 'self_signing', 'user_signing'] as const
export type Usage = (typeof usages)[number]

/** A cross-signing key: its public part, and its JSON with the signatures of its owner's other keys. */
export type CrossSigningKey = { readonly usage: Usage; readonly publicKey: string; readonly content: JsonObject }

/**
 * A cross-signing key of an upload; undefined when it is not there. Throws `M_BAD_JSON` for a wrong shape and `M_INVALID_PARAM` for a key of
 * someone else or for another use. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
export function checkCrossSigningKey(value: Json | undefined, usage: Usage, userId: UserId): CrossSigningKey | undefined {
  if (value === undefined) return undefined
  const name = `${usage}_key`
  if (!isJsonObject(value)) throw badJson(`${name} is not an object`)
  if (value['user_id'] !== userId) throw invalidParam(`${name} is the key of another user`)
  const stated = value['usage']
  if (!Array.isArray(stated) || !stated.includes(usage)) throw invalidParam(`${name} is not for ${usage}`)
  const entries = isJsonObject(value['keys']) ? Object.entries(value['keys']) : []
  const [[keyId, publicKey] = []] = entries
  if (entries.length !== 1 || typeof publicKey !== 'string' || keyId !== `ed25519:${publicKey}`) {
    throw badJson(`${name}.keys is not one Ed25519 key under its own name`)
  }
  if (!isPlainText(publicKey) || decodeBase64(publicKey)?.length !== 32) throw badJson(`${name} is not an Ed25519 key`)
  return { usage, publicKey, content: { ...value, signatures: ownSignatures(value, userId), unsigned: undefined } }
}

/** Throws `M_INVALID_SIGNATURE` unless the master key signed the other keys. */
export function checkSignedByMaster(keys: readonly CrossSigningKey[], userId: UserId, master: string): void {
  for (const { usage, content } of keys) {
    if (usage === 'master' || verifySignature(content, userId, `ed25519:${master}`, master)) continue
    throw invalidSignature(`the ${usage} key is not signed by the master key`)
  }
}

/** The signatures that a user made, by key id; those that are no texts are left out. */
export function signaturesOf(object: JsonObject, userId: UserId): [keyId: string, signature: string][] {
  const signatures = isJsonObject(object['signatures']) ? object['signatures'] : {}
  const own = Object.hasOwn(signatures, userId) ? signatures[userId] : undefined
  if (!isJsonObject(own)) return []
  return Object.entries(own).filter((entry): entry is [string, string] => isPlainText(entry[0]) && isPlainText(entry[1]))
}

function ownSignatures(object: JsonObject, userId: UserId): JsonObject | undefined {
  const own = signaturesOf(object, userId)
  return own.length > 0 ? { [userId]: Object.fromEntries(own) } : undefined
}
