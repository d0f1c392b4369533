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
 * and the record of who has which index are stored in one transaction before anything is sent. A device that cannot be reached is
 * owed the key from this index on.
 * Answers until when there is no use in trying again for devices that could not be reached.
 */
export async function shareGroupKey(
  context: CryptoContext,
  own: OwnDevice,
  row: OutboundSessionRow,
  devices: readonly DeviceRow[],
): Promise<number> {
  const shares = new Map(context.outbound.selectShares(row.session_id).map((share) => [`${share.user_id} ${share.device_id}`, share]))
  const shareOf = (device: DeviceRow) => shares.get(`${device.user_id} ${device.device_id}`)
  const missing = devices.filter((device) => shareOf(device)?.owed !== 0)
  await ensureSessions(context, own, missing)
  inTransaction(context, () => {
    const group = readGroup(context, row)
    const index = group.message_index()
    if (missing.length > 0) {
      context.outbound.insertKey(row.session_id, index, context.seal.close(keyName(row.session_id, index), group.session_key()))
    }
    const messages = missing.flatMap((device): Addressed[] => {
      const { user_id, device_id, identity_key } = device
      const from = shareOf(device)?.message_index ?? index
      const content = keyContent(context, row, from)
      const encrypted = content && encryptOlm(context, own, device, 'm.room_key', content)
      const share = { session_id: row.session_id, user_id, device_id, identity_key, message_index: from }
      context.outbound.upsertShare({ ...share, owed: encrypted ? 0 : 1 })
      return encrypted ? [{ userId: user_id, deviceId: device_id, content: encrypted }] : []
    })
    queueToDevice(context, own.userId, 'm.room.encrypted', messages)
  })
  await flushOutgoing(context, own.userId)
  const retries = missing.flatMap((device) => retryAt(context, own, device) ?? [])
  return Math.min(Number.MAX_SAFE_INTEGER, ...retries)
}

/**
 * Gives a key, at the index at which it was given, to a device that asked for it again or is owed it, over a new Olm session: it should
 * have had the key, so an old session is not to be relied on.
 */
export async function shareAgain(context: CryptoContext, own: OwnDevice, share: ShareRow, device: DeviceRow): Promise<void> {
  await ensureSessions(context, own, [device], true)
  inTransaction(context, () => {
    const row = context.outbound.select(share.session_id)
    context.outbound.reshared(share)
    const key = row && keyContent(context, row, share.message_index)
    const content = key && encryptOlm(context, own, device, 'm.room_key', key)
    if (content === undefined) return
    context.outbound.upsertShare({ ...share, owed: 0 })
    queueToDevice(context, own.userId, 'm.room.encrypted', [{ userId: device.user_id, deviceId: device.device_id, content }])
  })
}

/** The content of `m.room_key` from an index on that was kept. */
function keyContent(context: CryptoContext, row: OutboundSessionRow, index: number): JsonObject | undefined {
  const sealed = context.outbound.selectKey(row.session_id, index)
  if (sealed === undefined) return undefined
  return {
    algorithm: megolmAlgorithm,
    room_id: row.room_id,
    session_id: row.session_id,
    session_key: context.seal.open(keyName(row.session_id, index), sealed),
    shared_history: row.shared_history === 1,
  }
}

function keyName(sessionId: string, index: number): string {
  return `group key ${sessionId} ${index}`
}
