import type { CryptoContext } from './context.ts'
import type { InboundSessionRow } from './inbound.store.ts'
import { readInbound } from './inbound.ts'
import { isObject, type JsonObject, parseObject, stringAt } from './json.ts'
import { olmErrorCode } from './olm.ts'
import { megolmAlgorithm } from './share.ts'

const requestsAtOnce = 500

/** What is known of the device that made a session. */
export type SenderFacts = {
  /** Absent when no device of the sender with these keys is known: then nothing proves who sent it. */
  readonly deviceId?: string
  /** Whether the sender's own identity signed the device. */
  readonly crossSigned: boolean
  /** Whether the sender's identity is no longer the one that was first seen. */
  readonly identityChanged: boolean
}

export type Decrypted =
  | { readonly kind: 'event'; readonly type: string; readonly content: JsonObject; readonly sender: string; readonly facts: SenderFacts }
  /** The key is not here (yet); `withheld` is the code with which the sender keeps it back. */
  | { readonly kind: 'missing'; readonly sessionId: string; readonly withheld?: string }
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Decrypts an `m.room.encrypted` event of a room. A missing key is asked for once from its sender. The message index is kept: the same
 * index in another event is a replay and refused.
 * https://spec.matrix.org/v1.19/client-server-api/#mmegolmv1aes-sha2
 */
export function decrypt(context: CryptoContext, roomId: string, event: JsonObject): Decrypted {
  const eventId = stringAt(event, 'event_id')
  const sender = stringAt(event, 'sender')
  const sessionId = stringAt(event.content, 'session_id')
  const ciphertext = stringAt(event.content, 'ciphertext', 100_000)
  if (eventId === undefined || sender === undefined || sessionId === undefined || ciphertext === undefined)
    return refused('malformed event')
  if (!isObject(event.content) || event.content.algorithm !== megolmAlgorithm) return refused('unknown algorithm')
  const row = context.inbound.select(roomId, sessionId, sender)
  if (row === undefined) {
    if (context.inbound.isKnown(roomId, sessionId)) return refused('the session is not its sender’s')
    return missing(context, roomId, sessionId, sender)
  }
  const facts = senderFacts(context, row)
  if (facts === undefined) return refused('the keys of the sending device are not those that made the session')
  let result: { message_index: number; plaintext: string }
  try {
    result = readInbound(context, row).decrypt(ciphertext)
  } catch (error) {
    const code = olmErrorCode(error)
    return code === 'UNKNOWN_MESSAGE_INDEX' ? missing(context, roomId, sessionId, sender) : refused(`not decryptable: ${code}`)
  }
  const known = context.inbound.selectIndex(roomId, sessionId, sender, result.message_index)
  if (known !== undefined && known !== eventId) return refused('replay of another event')
  const payload = parseObject(result.plaintext)
  const type = stringAt(payload, 'type')
  if (payload === undefined || type === undefined || !isObject(payload.content)) return refused('malformed payload')
  if (payload.room_id !== roomId) return refused('meant for another room')
  if (known === undefined) context.inbound.insertIndex(roomId, sessionId, sender, result.message_index, eventId)
  const { 'm.relates_to': _hidden, ...content } = payload.content
  const relation = event.content['m.relates_to']
  return { kind: 'event', type, content: relation === undefined ? content : { ...content, 'm.relates_to': relation }, sender, facts }
}

function refused(reason: string): Decrypted {
  return { kind: 'refused', reason }
}

function missing(context: CryptoContext, roomId: string, sessionId: string, sender: string): Decrypted {
  const now = context.clock.now()
  if (context.inbound.countRequests() < requestsAtOnce) {
    const requestId = Buffer.from(context.random(12)).toString('base64url')
    context.inbound.insertRequest({ room_id: roomId, session_id: sessionId, sender, request_id: requestId, at: now })
  }
  const withheld = context.inbound.selectWithheld(roomId, sessionId, sender)
  return { kind: 'missing', sessionId, ...(withheld === undefined ? {} : { withheld }) }
}

/** Undefined when the device is known and its keys are others. */
function senderFacts(context: CryptoContext, row: InboundSessionRow): SenderFacts | undefined {
  const device = context.lists.selectDeviceByKey(row.sender, row.identity_key)
  const tracked = context.lists.selectTracked(row.sender)
  const identityChanged = tracked !== undefined && tracked.pinned_master_key !== tracked.master_key
  if (device === undefined) return { crossSigned: false, identityChanged }
  if (device.signing_key !== row.signing_key) return undefined
  return { deviceId: device.device_id, crossSigned: device.cross_signed === 1, identityChanged }
}
