import type { OwnDevice } from './accounts.ts'
import { type CryptoContext, inTransaction } from './context.ts'
import type { DeviceRow } from './device-list.store.ts'
import { isObject, type Json, objectAt } from './json.ts'
import { olmErrorCode } from './olm.ts'
import { startSession } from './olm-sessions.ts'
import { queueToDevice } from './outgoing.ts'
import { isKey, isSignedBy } from './signatures.ts'

const devicesPerClaim = 500
const firstPause = 5000
const longestPause = 3_600_000

/**
 * Sees to it that there is an Olm session with each device, by one-time keys claimed for those that have none (with `renew`, for all).
 * A device without a usable key is told `m.no_olm` once and tried again later, at growing distances.
 * Rejects when the homeserver does not answer.
 */
export async function ensureSessions(context: CryptoContext, own: OwnDevice, devices: readonly DeviceRow[], renew = false): Promise<void> {
  const wanted = devices.filter(
    (device) => renew || (!context.sessions.has(own.userId, device.identity_key) && isDue(context, own, device)),
  )
  for (let n = 0; n < wanted.length; n += devicesPerClaim) await claim(context, own, wanted.slice(n, n + devicesPerClaim))
}

/** When a device that could not be reached is tried again; undefined for one that was never in vain. */
export function retryAt(context: CryptoContext, own: OwnDevice, device: DeviceRow): number | undefined {
  return context.sessions.selectUnreachable(own.userId, device.user_id, device.device_id)?.retry_at
}

function isDue(context: CryptoContext, own: OwnDevice, device: DeviceRow): boolean {
  return (retryAt(context, own, device) ?? 0) <= context.clock.now()
}

async function claim(context: CryptoContext, own: OwnDevice, devices: readonly DeviceRow[]): Promise<void> {
  const asked: Record<string, Record<string, string>> = {}
  for (const device of devices) asked[device.user_id] = { ...asked[device.user_id], [device.device_id]: 'signed_curve25519' }
  const response = await context.requests.claimKeys(own.userId, own.deviceId, asked)
  const claimed = objectAt(response, 'one_time_keys')
  inTransaction(context, () => {
    const told = devices.filter((device) => {
      const key = readOneTimeKey(device, objectAt(objectAt(claimed, device.user_id), device.device_id))
      if (key !== undefined && begin(context, own, device, key)) {
        context.sessions.reachable(own.userId, device.user_id, device.device_id)
        return false
      }
      return markUnreachable(context, own, device)
    })
    const content = {
      algorithm: 'm.megolm.v1.aes-sha2',
      code: 'm.no_olm',
      reason: 'Unable to establish a secure channel.',
      sender_key: own.identityKey,
    }
    const messages = told.map((device) => ({ userId: device.user_id, deviceId: device.device_id, content }))
    queueToDevice(context, own.userId, 'm.room_key.withheld', messages)
  })
}

function readOneTimeKey(device: DeviceRow, keys: Record<string, Json>): string | undefined {
  for (const [id, value] of Object.entries(keys)) {
    if (!id.startsWith('signed_curve25519:') || !isObject(value) || !isKey(value.key)) continue
    if (isSignedBy(value, device.user_id, `ed25519:${device.device_id}`, device.signing_key)) return value.key
  }
  return undefined
}

function begin(context: CryptoContext, own: OwnDevice, device: DeviceRow, oneTimeKey: string): boolean {
  try {
    startSession(context, own, device, oneTimeKey)
    return true
  } catch (error) {
    context.log.warn('an Olm session could not be started', { code: olmErrorCode(error) })
    return false
  }
}

/** True when it is the first time since the device was last reached, so that it should be told. */
function markUnreachable(context: CryptoContext, own: OwnDevice, device: DeviceRow): boolean {
  const tries = (context.sessions.selectUnreachable(own.userId, device.user_id, device.device_id)?.tries ?? 0) + 1
  const pause = Math.min(firstPause * 2 ** Math.min(tries - 1, 10), longestPause)
  context.sessions.unreachable(own.userId, device.user_id, device.device_id, tries, context.clock.now() + pause)
  return tries === 1
}
