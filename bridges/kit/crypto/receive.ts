import { noteKeyCounts, type OwnDevice, selectOwnDevice } from './accounts.ts'
import { type CryptoContext, forgetMemory, inTransaction } from './context.ts'
import { noteDeviceLists, trackUsers } from './device-lists.ts'
import { type RoomKey, storeForwardedKey, storeRoomKey } from './inbound.ts'
import { isObject, type JsonObject, objectAt, stringAt } from './json.ts'
import { decryptOlm, type OlmReading } from './olm-sessions.ts'
import { megolmAlgorithm } from './share.ts'

const hour = 3_600_000

/** What an application service's transaction holds for encryption, as it came: https://spec.matrix.org/v1.19/application-service-api/ */
export type CryptoTransaction = {
  readonly toDevice?: unknown
  readonly deviceLists?: unknown
  /** user → device → algorithm → count */
  readonly oneTimeKeyCounts?: unknown
  /** user → device → algorithms */
  readonly unusedFallbackKeyTypes?: unknown
}

export type Received = { readonly roomKeys: readonly RoomKey[] }

/**
 * Takes what a transaction brings: decrypts to-device events, stores keys and ratchets, notes what is to be done, and runs
 * `alsoInTransaction` (the caller's inbox mark), all in one transaction of the database. What is malformed or hostile in it is left
 * out; only a failing database, or the callback, makes it throw, and then nothing of it has happened.
 */
export function receiveTransaction(
  context: CryptoContext,
  transaction: CryptoTransaction,
  alsoInTransaction: (received: Received) => void,
): Received {
  return inTransaction(context, () => {
    noteDeviceLists(context, stringsAt(transaction.deviceLists, 'changed'), stringsAt(transaction.deviceLists, 'left'))
    const events = Array.isArray(transaction.toDevice) ? transaction.toDevice : []
    const received = { roomKeys: events.flatMap((event: unknown) => receiveSafely(context, event) ?? []) }
    noteCounts(context, transaction)
    alsoInTransaction(received)
    return received
  })
}

function receiveSafely(context: CryptoContext, event: unknown): RoomKey | undefined {
  try {
    return context.database.transaction(() => receiveToDevice(context, event))()
  } catch (error) {
    if (error instanceof Error && error.name === 'SqliteError') throw error
    forgetMemory(context)
    context.log.warn('a to-device event was left out', { error: String(error) })
    return undefined
  }
}

function receiveToDevice(context: CryptoContext, event: unknown): RoomKey | undefined {
  const sender = stringAt(event, 'sender')
  const type = stringAt(event, 'type')
  const own = selectOwnDevice(context, stringAt(event, 'to_user_id') ?? '')
  if (sender === undefined || type === undefined || own === undefined || stringAt(event, 'to_device_id') !== own.deviceId) return undefined
  const content = objectAt(event, 'content')
  if (type === 'm.room_key_request') noteKeyRequest(context, own, sender, content)
  if (type === 'm.room_key.withheld') noteWithheld(context, sender, content)
  if (type !== 'm.room.encrypted') return undefined
  const reading = decryptOlm(context, own, sender, content)
  if (reading.kind === 'wedged') noteWedged(context, own, sender, reading.senderKey)
  if (reading.kind === 'refused') context.log.warn('an Olm event was refused', { reason: reading.reason })
  return reading.kind === 'event' ? useOlmEvent(context, sender, reading) : undefined
}

function useOlmEvent(context: CryptoContext, sender: string, event: Extract<OlmReading, { kind: 'event' }>): RoomKey | undefined {
  const giver = { sender, senderKey: event.senderKey, signingKey: event.signingKey }
  trackUsers(context, [sender])
  if (event.type === 'm.room_key') return storeRoomKey(context, giver, event.content)
  if (event.type === 'm.forwarded_room_key') return storeForwardedKey(context, giver, event.content)
  return undefined
}

/** A key is given again only to a device that was given it, once an hour: https://spec.matrix.org/v1.19/client-server-api/#key-requests */
function noteKeyRequest(context: CryptoContext, own: OwnDevice, sender: string, content: JsonObject): void {
  const body = objectAt(content, 'body')
  const sessionId = stringAt(body, 'session_id') ?? ''
  const session = context.outbound.select(sessionId)
  if (content.action !== 'request' || session?.own_user !== own.userId || session.room_id !== body.room_id) return
  const share = context.outbound.selectShare(sessionId, sender, stringAt(content, 'requesting_device_id') ?? '')
  const now = context.clock.now()
  if (share !== undefined && now - share.reshared_at >= hour) context.outbound.askReshare(share, now)
}

/** https://spec.matrix.org/v1.19/client-server-api/#reporting-that-decryption-keys-are-withheld */
function noteWithheld(context: CryptoContext, sender: string, content: JsonObject): void {
  const code = stringAt(content, 'code', 64)
  const sessionId = stringAt(content, 'session_id')
  if (code === undefined || content.algorithm !== megolmAlgorithm) return
  if (code === 'm.no_olm') context.inbound.withhold('', '', sender, code)
  else if (sessionId !== undefined) context.inbound.withhold(stringAt(content, 'room_id') ?? '', sessionId, sender, code)
}

/** https://spec.matrix.org/v1.19/client-server-api/#recovering-from-undecryptable-messages */
function noteWedged(context: CryptoContext, own: OwnDevice, sender: string, senderKey: string): void {
  if (context.lists.selectDeviceByKey(sender, senderKey) === undefined) {
    trackUsers(context, [sender])
    return
  }
  const now = context.clock.now()
  const last = context.sessions.wedgedAt(own.userId, sender, senderKey)
  if (last === undefined || now - last >= hour) context.sessions.wedge(own.userId, sender, senderKey, now)
}

function noteCounts(context: CryptoContext, transaction: CryptoTransaction): void {
  const own = selectOwnDevice(context, context.bot.userId)
  if (own === undefined) return
  const counts = objectAt(objectAt(transaction.oneTimeKeyCounts, own.userId), own.deviceId)
  const told = isObject(transaction.oneTimeKeyCounts) && own.deviceId in objectAt(transaction.oneTimeKeyCounts, own.userId)
  const count = typeof counts.signed_curve25519 === 'number' ? counts.signed_curve25519 : 0
  const unused = objectAt(transaction.unusedFallbackKeyTypes, own.userId)[own.deviceId]
  noteKeyCounts(context, own.userId, told ? count : undefined, Array.isArray(unused) ? unused.includes('signed_curve25519') : undefined)
}

function stringsAt(value: unknown, key: string): string[] {
  const list = isObject(value) ? value[key] : undefined
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : []
}
