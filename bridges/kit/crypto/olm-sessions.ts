import { createHash } from 'node:crypto'
import type { Session } from '@matrix-org/olm'
import { type OwnDevice, readAccount, saveAccount } from './accounts.ts'
import { type CryptoContext, innerPickleKey } from './context.ts'
import type { DeviceRow } from './device-list.store.ts'
import { readDevice } from './device-lists.ts'
import { isObject, type JsonObject, objectAt, parseObject, stringAt } from './json.ts'
import { olmErrorCode, using } from './olm.ts'
import { isKey } from './signatures.ts'

export const olmAlgorithm = 'm.olm.v1.curve25519-aes-sha2'

/** An Olm event that was decrypted and passed every check, or why it is not used. */
export type OlmReading =
  | { kind: 'event'; type: string; content: JsonObject; senderKey: string; signingKey: string }
  | { kind: 'duplicate' }
  | { kind: 'refused'; reason: string }
  | { kind: 'wedged'; senderKey: string }

/** Starts an Olm session with a device by one of its one-time keys. Throws libolm's error when the keys are not usable. */
export function startSession(context: CryptoContext, own: OwnDevice, device: DeviceRow, oneTimeKey: string): void {
  using(new context.olm.Session(), (session) => {
    session.create_outbound(readAccount(context, own.userId), device.identity_key, oneTimeKey)
    insertSession(context, own, device.identity_key, session)
  })
}

/**
 * Encrypts an event to a device with the session that was last of use, and stores the ratchet: run it in the transaction that stores
 * the result. Undefined when there is no session.
 */
export function encryptOlm(
  context: CryptoContext,
  own: OwnDevice,
  device: DeviceRow,
  type: string,
  content: JsonObject,
): JsonObject | undefined {
  const row = context.sessions.select(own.userId, device.identity_key)[0]
  if (row === undefined) return undefined
  const plaintext: JsonObject = {
    type,
    content,
    sender: own.userId,
    recipient: device.user_id,
    recipient_keys: { ed25519: device.signing_key },
    keys: { ed25519: own.signingKey },
    sender_device_keys: own.deviceKeys,
  }
  return using(new context.olm.Session(), (session) => {
    session.unpickle(innerPickleKey, context.seal.open(sessionName(own, device.identity_key), row.pickle))
    const message = session.encrypt(JSON.stringify(plaintext))
    updateSession(context, own, device.identity_key, session, null)
    return { algorithm: olmAlgorithm, sender_key: own.identityKey, ciphertext: { [device.identity_key]: { ...message } } }
  })
}

/**
 * Decrypts an Olm event to one of our devices and makes the checks of
 * https://spec.matrix.org/v1.19/client-server-api/#validation-of-incoming-decrypted-events. Run it in a transaction: the ratchet, used
 * one-time keys and the mark against a second delivery are stored with what the caller stores.
 */
export function decryptOlm(context: CryptoContext, own: OwnDevice, sender: string, content: JsonObject): OlmReading {
  const senderKey = content.sender_key
  const message = objectAt(objectAt(content, 'ciphertext'), own.identityKey)
  const body = stringAt(message, 'body', 200_000)
  const type = message.type
  if (!isKey(senderKey) || body === undefined || (type !== 0 && type !== 1)) return { kind: 'refused', reason: 'malformed Olm event' }
  const digest = createHash('sha256').update(`${own.identityKey} ${senderKey} ${body}`).digest()
  if (context.sessions.isSeen(digest)) return { kind: 'duplicate' }
  const plaintext = decryptWithAny(context, own, senderKey, type, body)
  if (plaintext === undefined) return { kind: 'wedged', senderKey }
  context.sessions.insertSeen(digest, context.clock.now())
  return checkPlaintext(context, own, sender, senderKey, plaintext)
}

function decryptWithAny(context: CryptoContext, own: OwnDevice, senderKey: string, type: 0 | 1, body: string): string | undefined {
  for (const row of context.sessions.select(own.userId, senderKey)) {
    const result = using(new context.olm.Session(), (session) => {
      session.unpickle(innerPickleKey, context.seal.open(sessionName(own, senderKey), row.pickle))
      if (type === 0 && !attempt(() => session.matches_inbound_from(senderKey, body))) return { matched: false }
      const plaintext = attempt(() => session.decrypt(type, body))
      if (plaintext !== undefined) updateSession(context, own, senderKey, session, context.clock.now())
      return { matched: true, plaintext }
    })
    if (result.plaintext !== undefined) return result.plaintext
    if (result.matched && type === 0) return undefined
  }
  return type === 0 ? decryptWithNew(context, own, senderKey, body) : undefined
}

function decryptWithNew(context: CryptoContext, own: OwnDevice, senderKey: string, body: string): string | undefined {
  return using(new context.olm.Session(), (session) => {
    const plaintext = attempt(() => {
      session.create_inbound_from(readAccount(context, own.userId), senderKey, body)
      return session.decrypt(0, body)
    })
    if (plaintext === undefined) return undefined
    attempt(() => readAccount(context, own.userId).remove_one_time_keys(session))
    saveAccount(context, own.userId)
    insertSession(context, own, senderKey, session)
    return plaintext
  })
}

function checkPlaintext(context: CryptoContext, own: OwnDevice, sender: string, senderKey: string, plaintext: string): OlmReading {
  const event = parseObject(plaintext)
  const type = stringAt(event, 'type')
  const signingKey = objectAt(event, 'keys').ed25519
  const refused = (reason: string): OlmReading => ({ kind: 'refused', reason })
  if (event === undefined || type === undefined || !isObject(event.content)) return refused('malformed Olm plaintext')
  if (event.sender !== sender) return refused('the sender inside and outside differ')
  if (event.recipient !== own.userId || objectAt(event, 'recipient_keys').ed25519 !== own.signingKey) return refused('meant for another')
  if (!isKey(signingKey)) return refused('malformed signing key')
  const known = context.lists.selectDeviceByKey(sender, senderKey)
  if (known !== undefined && known.signing_key !== signingKey) return refused('not the signing key of the sending device')
  if (event.sender_device_keys !== undefined) {
    const deviceId = stringAt(event.sender_device_keys, 'device_id') ?? ''
    const device = readDevice(sender, deviceId, event.sender_device_keys, undefined)
    if (device?.identity_key !== senderKey || device.signing_key !== signingKey) return refused('sender_device_keys of another device')
  }
  return { kind: 'event', type, content: event.content, senderKey, signingKey }
}

function attempt<T>(use: () => T): T | undefined {
  try {
    return use()
  } catch (error) {
    olmErrorCode(error)
    return undefined
  }
}

function insertSession(context: CryptoContext, own: OwnDevice, peer: string, session: Session): void {
  const pickle = context.seal.close(sessionName(own, peer), session.pickle(innerPickleKey))
  context.sessions.insert(own.userId, peer, session.session_id(), pickle, context.clock.now())
}

function updateSession(context: CryptoContext, own: OwnDevice, peer: string, session: Session, usedAt: number | null): void {
  const pickle = context.seal.close(sessionName(own, peer), session.pickle(innerPickleKey))
  context.sessions.update(own.userId, peer, session.session_id(), pickle, usedAt)
}

function sessionName(own: OwnDevice, peer: string): string {
  return `olm ${own.userId} ${peer}`
}
