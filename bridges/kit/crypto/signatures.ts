import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { canonicalJson, type JsonObject, objectAt } from './json.ts'

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Whether `key` is an unpadded base64 32-byte key in its one canonical spelling. */
export function isKey(key: unknown): key is string {
  if (typeof key !== 'string' || key.length !== 43) return false
  return unpaddedBase64(Buffer.from(key, 'base64')) === key
}

/** Unpadded base64: https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function unpaddedBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

/** The text that is signed for an object: its canonical JSON without `signatures` and `unsigned`. Throws for what canonical JSON forbids. */
export function signedText(object: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, ...rest } = object
  return canonicalJson(rest)
}

/** A copy of `object` with one signature added: https://spec.matrix.org/v1.19/appendices/#signing-json */
export function addSignature(object: JsonObject, userId: string, keyId: string, signature: string): JsonObject {
  const signatures = objectAt(object, 'signatures')
  return { ...object, signatures: { ...signatures, [userId]: { ...objectAt(signatures, userId), [keyId]: signature } } }
}

/**
 * Whether `object` bears a valid signature of `userId` under `keyId` by the given Ed25519 public key. Node's verification refuses
 * the malleable signatures that libolm's lets pass.
 */
export function isSignedBy(object: JsonObject, userId: string, keyId: string, publicKey: string): boolean {
  const signature = objectAt(objectAt(object, 'signatures'), userId)[keyId]
  if (typeof signature !== 'string' || !isKey(publicKey)) return false
  const bytes = Buffer.from(signature, 'base64')
  if (bytes.length !== 64) return false
  try {
    const x = Buffer.from(publicKey, 'base64').toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, Buffer.from(signedText(object)), key, bytes)
  } catch {
    return false
  }
}

export type SeedKey = { readonly publicKey: string; sign(text: string): string }

/** The Ed25519 key pair of a 32-byte seed. */
export function seedKey(seed: Uint8Array): SeedKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return {
    publicKey: unpaddedBase64(Buffer.from(x ?? '', 'base64url')),
    sign: (text) => unpaddedBase64(sign(null, Buffer.from(text), privateKey)),
  }
}
