import type { OwnDevice } from './accounts.ts'
import { ensureSessions, retryAt } from './claim.ts'
import { type CryptoContext, inTransaction } from './context.ts'
import type { DeviceRow } from './device-list.store.ts'
import { readGroup } from './group.ts'
import type { JsonObject } from './json.ts'
import { encryptOlm } from './olm-sessions.ts'
import type { OutboundSessionRow, ShareRow } from './outbound.store.ts'
import { type Addressed, flushOutgoing, queueToDevice } from './outgoing.ts'

export const megolmAlgorithm = 'm.megolm.v1.aes-sha2'

/**
 * Gives the key of a group session, from its present index on, to those of `devices` that do not have it. Olm messages, their ratchets
 * and the record of who has which index are stored in one transaction before anything is sent.
 * Answers until when there is no use in trying again for devices that could not be reached.
 */
export async function shareGroupKey(
  context: CryptoContext,
  own: OwnDevice,
  row: OutboundSessionRow,
  devices: readonly DeviceRow[],
): Promise<number> {
  const shared = new Set(context.outbound.selectShares(row.session_id).map((share) => `${share.user_id} ${share.device_id}`))
  const missing = devices.filter((device) => !shared.has(`${device.user_id} ${device.device_id}`))
  await ensureSessions(context, own, missing)
  inTransaction(context, () => {
    const group = readGroup(context, row)
    const index = group.message_index()
    const content = roomKey(row, group.session_key())
    const messages = missing.flatMap((device): Addressed[] => {
      const encrypted = encryptOlm(context, own, device, 'm.room_key', content)
      if (encrypted === undefined) return []
      context.outbound.insertShare({
        session_id: row.session_id,
        user_id: device.user_id,
        device_id: device.device_id,
        identity_key: device.identity_key,
        message_index: index,
      })
      return [{ userId: device.user_id, deviceId: device.device_id, content: encrypted }]
    })
    if (messages.length > 0) {
      context.outbound.insertKey(row.session_id, index, context.seal.close(keyName(row.session_id, index), group.session_key()))
    }
    queueToDevice(context, own.userId, 'm.room.encrypted', messages)
  })
  await flushOutgoing(context, own.userId)
  const retries = missing.flatMap((device) => retryAt(context, own, device) ?? [])
  return Math.min(Number.MAX_SAFE_INTEGER, ...retries)
}

/**
 * Gives a key again, at the index at which it was given, to a device that asked for it, over a new Olm session: it should have had the
 * key, so the old session is not to be relied on.
 */
export async function shareAgain(context: CryptoContext, own: OwnDevice, share: ShareRow, device: DeviceRow): Promise<void> {
  await ensureSessions(context, own, [device], true)
  inTransaction(context, () => {
    const row = context.outbound.select(share.session_id)
    const sealed = context.outbound.selectKey(share.session_id, share.message_index)
    context.outbound.reshared(share)
    if (row === undefined || sealed === undefined) return
    const key = context.seal.open(keyName(share.session_id, share.message_index), sealed)
    const content = encryptOlm(context, own, device, 'm.room_key', roomKey(row, key))
    if (content === undefined) return
    queueToDevice(context, own.userId, 'm.room.encrypted', [{ userId: device.user_id, deviceId: device.device_id, content }])
  })
}

function roomKey(row: OutboundSessionRow, sessionKey: string): JsonObject {
  return {
    algorithm: megolmAlgorithm,
    room_id: row.room_id,
    session_id: row.session_id,
    session_key: sessionKey,
    shared_history: row.shared_history === 1,
  }
}

function keyName(sessionId: string, index: number): string {
  return `group key ${sessionId} ${index}`
}
