import { type DeviceId, isUserId, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, missingParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Wanted } from './claim-keys.ts'
import type { KeyQuery } from './query-keys.ts'

/** Whose keys are asked for: the same from clients and from servers. Throws `M_MISSING_PARAM` or `M_BAD_JSON`. */
export function readQuery(body: JsonObject): KeyQuery {
  const query = new Map<UserId, DeviceId[]>()
  for (const [userId, devices] of entriesOf(body, 'device_keys')) {
    if (!Array.isArray(devices) || !devices.every((one) => typeof one === 'string'))
      throw badJson(`the devices of ${userId} are not a list of ids`)
    query.set(userId, devices as DeviceId[])
  }
  return query
}

/** Which one-time keys are wanted. Throws as `readQuery`. */
export function readWanted(body: JsonObject): Wanted[] {
  const wanted: Wanted[] = []
  for (const [userId, devices] of entriesOf(body, 'one_time_keys')) {
    if (!isJsonObject(devices)) throw badJson(`the devices of ${userId} are not an object`)
    for (const [deviceId, algorithm] of Object.entries(devices)) {
      if (typeof algorithm !== 'string') throw badJson(`the algorithm for ${deviceId} is not a name`)
      if (isPlainText(deviceId) && isPlainText(algorithm)) wanted.push({ userId, deviceId, algorithm })
    }
  }
  return wanted
}

function entriesOf(body: JsonObject, name: string): [UserId, Json | undefined][] {
  const map = body[name]
  if (map === undefined) throw missingParam(`${name} is missing`)
  if (!isJsonObject(map)) throw badJson(`${name} is not an object`)
  const entries = Object.entries(map)
  const odd = entries.find(([userId]) => !isUserId(userId))
  if (odd) throw badJson(`${name} has something else than user ids`)
  return entries as [UserId, Json | undefined][]
}
