import { hash } from 'node:crypto'
import { createRequire } from 'node:module'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { canonicalJson } from './canonical-json.ts'
import { contentHash, referenceHashOf, signedText } from './hashes.ts'
import { type EventId, eventIdDomain, type ServerName, serverNameOf } from './ids.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import type { Pdu, UnsignedPdu } from './pdu.ts'
import { redact } from './redaction.ts'
import type { RoomRules } from './room-versions.ts'
import { ed25519PublicKey, signWithNode, verifyWithNode } from './runtime/ed25519.ts'

/** An Ed25519 key under which a server signs. `secretKey` is the seed followed by the public key, as libsodium has it. */
export type SigningKey = {
  readonly keyId: `ed25519:${string}`
  readonly seed: Uint8Array
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

type Sodium = {
  crypto_sign_detached(signature: Buffer, message: Buffer, secretKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Buffer, message: Buffer, publicKey: Uint8Array): boolean
}

const sodium = loadSodium()

/**
 * Makes a signing key from a seed of 32 random bytes. Without a `version` the key id is derived from the public key, so that two keys
 * never share an id. Throws a `RangeError` for a seed of another length.
 */
export function generateSigningKey(seed: Uint8Array, version?: string): SigningKey {
  if (seed.length !== 32) throw new RangeError('the seed of a signing key is 32 bytes long')
  const publicKey = ed25519PublicKey(seed)
  const name = version ?? hash('sha256', publicKey, 'base64url').slice(0, 8).replaceAll('-', '_')
  return { keyId: `ed25519:${name}`, seed: new Uint8Array(seed), publicKey, secretKey: Buffer.concat([seed, publicKey]) }
}

/** Signs bytes; the signature in unpadded Base64. */
export function signText(text: string, key: SigningKey): string {
  const message = Buffer.from(text)
  if (sodium === undefined) return encodeBase64(signWithNode(message, key.seed))
  const signature = Buffer.allocUnsafe(64)
  sodium.crypto_sign_detached(signature, message, key.secretKey)
  return encodeBase64(signature)
}

/** Whether a signature in Base64 was made over a text by the owner of a public key (bytes or Base64). Never throws. */
export function verifyText(text: string, signature: unknown, publicKey: Uint8Array | string): boolean {
  const bytes = decodeBase64(signature)
  const key = typeof publicKey === 'string' ? decodeBase64(publicKey) : publicKey
  if (bytes?.length !== 64 || key?.length !== 32) return false
  const message = Buffer.from(text)
  return sodium ? sodium.crypto_sign_verify_detached(bytes, message, key) : verifyWithNode(message, bytes, key)
}

/** Signs an object as `serverName`, beside the signatures that it has. https://spec.matrix.org/v1.19/appendices/#signing-json */
export function signJson<T extends JsonObject>(object: T, serverName: ServerName, key: SigningKey): T & { signatures: JsonObject } {
  const signature = signText(canonicalJson({ ...object, signatures: undefined, unsigned: undefined }), key)
  return { ...object, signatures: addSignature(object['signatures'], serverName, key.keyId, signature) }
}

/** Whether an object bears a valid signature of an entity under a key. https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature */
export function verifySignature(object: JsonObject, entity: string, keyId: string, publicKey: Uint8Array | string): boolean {
  const signature = readSignature(object['signatures'], entity, keyId)
  if (signature === undefined) return false
  return verifyText(canonicalJson({ ...object, signatures: undefined, unsigned: undefined }, false), signature, publicKey)
}

/** Adds a server's signature to an event that has its hash already. https://spec.matrix.org/v1.19/server-server-api/#signing-events */
export function signPdu(pdu: Pdu, rules: RoomRules, serverName: ServerName, key: SigningKey): Pdu {
  const signature = signText(signedText(pdu, rules), key)
  return { ...pdu, signatures: addSignature(pdu.signatures, serverName, key.keyId, signature) }
}

/**
 * Hashes and signs a new event, and tells its id; one encoding serves signature and id. Throws `M_BAD_JSON` if it has no canonical form: what is made
 * here has one in every room version, since others would spell a fraction in another way.
 */
export function hashAndSignPdu(
  event: UnsignedPdu,
  rules: RoomRules,
  serverName: ServerName,
  key: SigningKey,
): { pdu: Pdu; eventId: EventId } {
  const hashed = { ...event, hashes: { sha256: contentHash(event) } }
  const text = signedText(hashed, rules)
  const pdu: Pdu = { ...hashed, signatures: { [serverName]: { [key.keyId]: signText(text, key) } } }
  return { pdu, eventId: rules.eventIds === 'wire' ? event.event_id! : `$${referenceHashOf(text, rules)}` }
}

/** Whether an event bears a valid signature of a server under a key. */
export function verifyPdu(pdu: Pdu, rules: RoomRules, serverName: ServerName, keyId: string, publicKey: Uint8Array | string): boolean {
  return verifySignature(redact(pdu, rules), serverName, keyId, publicKey)
}

/** The same of an event whose `signedText` is known already. */
export function verifySigned(
  text: string,
  { signatures }: Pick<Pdu, 'signatures'>,
  serverName: ServerName,
  keyId: string,
  publicKey: Uint8Array | string,
): boolean {
  const signature = readSignature(signatures, serverName, keyId)
  return signature !== undefined && verifyText(text, signature, publicKey)
}

/**
 * The servers without whose signatures an event is not valid. A server that authorises a restricted join is asked for by `checkAuthRules`.
 * https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function signersOf(pdu: Pdu, rules: RoomRules): readonly ServerName[] {
  const signers = new Set<ServerName>()
  // For room versions 3 and later, unless the event is a 3rd party invite, only the signature(s) from the originating server (the server
  // the sender belongs to) are required for verification.
  if (!isThirdPartyInvite(pdu)) signers.add(serverNameOf(pdu.sender))
  // Room versions 1 and 2 also require that a signature is present from the domain in the event_id, if it differs from the originating
  // server.
  if (rules.eventIds === 'wire') signers.add(eventIdDomain(pdu.event_id) ?? '')
  return [...signers]
}

/** "If the event is a 3rd party invite, … the server which actually sends the event may be a different server." */
function isThirdPartyInvite({ type, content }: Pdu): boolean {
  return type === 'm.room.member' && content['membership'] === 'invite' && content['third_party_invite'] !== undefined
}

function readSignature(signatures: unknown, entity: string, keyId: string): string | undefined {
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, entity)) return undefined
  const own = signatures[entity]
  const signature = isJsonObject(own) && Object.hasOwn(own, keyId) ? own[keyId] : undefined
  return keyId.startsWith('ed25519:') && typeof signature === 'string' ? signature : undefined
}

function addSignature(signatures: unknown, serverName: ServerName, keyId: string, signature: string): Pdu['signatures'] {
  const others = isJsonObject(signatures) ? (signatures as Pdu['signatures']) : {}
  return { ...others, [serverName]: { ...(Object.hasOwn(others, serverName) ? others[serverName] : {}), [keyId]: signature } }
}

/** libsodium signs several times faster; where its binding can't be loaded, node:crypto does the same work. */
function loadSodium(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium
  } catch {
    return undefined
  }
}
