import { setImmediate } from 'node:timers/promises'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { DeviceId, UserId } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { isPlainText } from '../../core/plain-text.ts'
import { type CrossSigningKey, checkCrossSigningKey, checkSignedByMaster } from '../cross-signing.ts'
import { checkDeviceKeys } from '../device-keys.ts'

/** A user's devices and keys as their server told them, as far as they can be believed. Devices as JSON, by id. */
export type RemoteList = {
  readonly streamId: number
  readonly devices: ReadonlyMap<DeviceId, string>
  readonly keys: readonly CrossSigningKey[]
}

/** A server may tell of more; nobody has so many. */
export const mostDevices = 1000
const largestDevice = 65_536
const longestName = 255
const checkedAtOnce = 100

/** The answer to `GET /user/devices/{userId}`; undefined when it is not one for this user. What is wrong in it is left out. */
export async function readDeviceList(body: JsonObject, userId: UserId): Promise<RemoteList | undefined> {
  const { user_id: stated, stream_id: streamId, devices } = body
  if (stated !== userId || !isStreamId(streamId) || !Array.isArray(devices)) return undefined
  const found = new Map<DeviceId, string>()
  const breathe = createBreath()
  for (const device of devices.slice(0, mostDevices)) {
    await breathe()
    if (!isJsonObject(device) || !isPlainText(device['device_id'])) continue
    const text = remoteDevice(device['keys'], userId, device['device_id'], device['device_display_name'])
    if (text !== undefined) found.set(device['device_id'], text)
  }
  return { streamId, devices: found, keys: remoteKeys(userId, body['master_key'], body['self_signing_key'], undefined) }
}

/** To be awaited before each signature is checked: once in a while it lets others have their turn. */
export function createBreath(): () => Promise<void> | void {
  let checked = 0
  return () => (++checked % checkedAtOnce === 0 ? setImmediate() : undefined)
}

/** A member of what may be an object. */
export function valueIn(map: Json | undefined, name: string): Json | undefined {
  return isJsonObject(map) && Object.hasOwn(map, name) ? map[name] : undefined
}

/** Whether a value can be the stream id of a list of devices. */
export function isStreamId(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** The keys of a device of another server's user as they are kept, with its name; undefined for what is not the device's own, or not signed by it. */
export function remoteDevice(keys: Json | undefined, userId: UserId, deviceId: DeviceId, name: Json | undefined): string | undefined {
  return believed(() => {
    const unsigned = isPlainText(name, longestName) ? { device_display_name: name } : {}
    const text = canonicalJson({ ...checkDeviceKeys(keys, userId, deviceId), unsigned })
    return text.length > largestDevice ? undefined : text
  })
}

/** The cross-signing keys of such a user that are what they should be; the self-signing key only under the signature of the master key. */
export function remoteKeys(
  userId: UserId,
  master: Json | undefined,
  selfSigning: Json | undefined,
  knownMaster: string | undefined,
): CrossSigningKey[] {
  const found = believed(() => checked(master, 'master', userId))
  const publicKey = found?.publicKey ?? knownMaster
  const signed = believed(() => {
    const key = checked(selfSigning, 'self_signing', userId)
    if (key === undefined || publicKey === undefined) return undefined
    checkSignedByMaster([key], userId, publicKey)
    return key
  })
  return [found, signed].filter((key) => key !== undefined)
}

function checked(value: Json | undefined, usage: 'master' | 'self_signing', userId: UserId): CrossSigningKey | undefined {
  const key = checkCrossSigningKey(value, usage, userId)
  return key === undefined || canonicalJson(key.content).length > largestDevice ? undefined : key
}

/** What another server tells is checked by the same rules as what clients upload; here they refuse nobody, and leave out. */
function believed<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
