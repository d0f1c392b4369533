import { type CryptoContext, inTransaction } from './context.ts'
import type { DeviceRow } from './device-list.store.ts'
import { isObject, type JsonObject, objectAt, stringAt } from './json.ts'
import { isKey, isSignedBy } from './signatures.ts'

const usersPerQuery = 250
const devicesPerUser = 1000
const silence = 300_000

/** Starts to follow the devices of users; those that are new are asked about before the next use. */
export function trackUsers(context: CryptoContext, users: readonly string[]): void {
  for (const user of users) if (context.lists.track(user)) context.epoch++
}

/**
 * Takes `device_lists` of a transaction: https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user
 * A change during a query leaves the user outdated, so that the query is made again.
 */
export function noteDeviceLists(context: CryptoContext, changed: readonly string[], left: readonly string[]): void {
  for (const user of changed) {
    if (context.lists.outdate(user)) context.epoch++
    context.silent.delete(user)
  }
  for (const user of left) {
    context.lists.untrack(user)
    context.epoch++
  }
}

/**
 * Brings the device lists of users up to date, one query at a time. Rejects when the homeserver does not answer; users of a remote
 * server that does not answer keep the devices that are known.
 */
export async function refreshDeviceLists(context: CryptoContext, users: readonly string[]): Promise<void> {
  trackUsers(context, users)
  if (users.every((user) => !isOutdated(context, user))) return
  await context.lanes.run('query', async () => {
    const outdated = users.filter((user) => isOutdated(context, user))
    for (let n = 0; n < outdated.length; n += usersPerQuery) await queryDevices(context, outdated.slice(n, n + usersPerQuery))
  })
}

function isOutdated(context: CryptoContext, user: string): boolean {
  const row = context.lists.selectTracked(user)
  if (row === undefined || row.tracked === 0 || row.generation <= row.fetched) return false
  return (context.silent.get(user) ?? 0) <= context.clock.now()
}

async function queryDevices(context: CryptoContext, users: string[]): Promise<void> {
  const generations = new Map(users.map((user) => [user, context.lists.selectTracked(user)?.generation ?? 0]))
  const response = await context.requests.queryKeys(context.bot.userId, users)
  const failures = objectAt(response, 'failures')
  inTransaction(context, () => {
    for (const [user, generation] of generations) {
      const server = user.slice(user.indexOf(':') + 1)
      if (Object.hasOwn(failures, server)) context.silent.set(user, context.clock.now() + silence)
      else if (context.lists.selectTracked(user)?.tracked === 1) storeDevices(context, user, generation, response)
    }
    context.epoch++
  })
}

function storeDevices(context: CryptoContext, user: string, generation: number, response: unknown): void {
  const master = readCrossSigningKey(objectAt(response, 'master_keys')[user], user, 'master')
  const selfSigningKey = objectAt(response, 'self_signing_keys')[user]
  const selfSigning = readCrossSigningKey(selfSigningKey, user, 'self_signing')
  const trusted =
    master !== undefined && isObject(selfSigningKey) && isSignedBy(selfSigningKey, user, `ed25519:${master}`, master)
      ? selfSigning
      : undefined
  const found = new Map<string, DeviceRow>()
  for (const [deviceId, value] of Object.entries(objectAt(objectAt(response, 'device_keys'), user)).slice(0, devicesPerUser)) {
    const device = readDevice(user, deviceId, value, trusted)
    if (device === undefined || deviceId === master || deviceId === selfSigning) {
      context.log.warn('device keys refused: they are malformed or not signed by the device', { user, deviceId: deviceId.slice(0, 64) })
    } else found.set(deviceId, device)
  }
  for (const known of context.lists.selectDevices(user)) {
    const now = found.get(known.device_id)
    if (now === undefined) context.lists.deleteDevice(user, known.device_id)
    else if (now.identity_key !== known.identity_key || now.signing_key !== known.signing_key) {
      context.log.warn('device keys refused: a known device cannot change its keys', { user, deviceId: known.device_id })
      found.delete(known.device_id)
    }
  }
  for (const device of found.values()) context.lists.upsertDevice(device)
  context.lists.fetched(user, generation, master ?? null)
}

function readCrossSigningKey(value: unknown, user: string, usage: string): string | undefined {
  const uses = isObject(value) ? value.usage : undefined
  if (stringAt(value, 'user_id') !== user || !Array.isArray(uses) || !uses.includes(usage)) return undefined
  const [entry, ...others] = Object.entries(objectAt(value, 'keys'))
  if (entry === undefined || others.length > 0) return undefined
  return isKey(entry[1]) && entry[0] === `ed25519:${entry[1]}` ? entry[1] : undefined
}

/**
 * Reads signed device keys: https://spec.matrix.org/v1.19/client-server-api/#device-keys
 * Undefined unless they are those of this user and device, and signed by the device itself.
 */
export function readDevice(user: string, deviceId: string, value: unknown, selfSigning: string | undefined): DeviceRow | undefined {
  if (!isObject(value) || deviceId.length > 255 || value.user_id !== user || value.device_id !== deviceId) return undefined
  const keys: JsonObject = objectAt(value, 'keys')
  const signingKey = keys[`ed25519:${deviceId}`]
  const identityKey = keys[`curve25519:${deviceId}`]
  if (!isKey(signingKey) || !isKey(identityKey) || !isSignedBy(value, user, `ed25519:${deviceId}`, signingKey)) return undefined
  const crossSigned = selfSigning !== undefined && isSignedBy(value, user, `ed25519:${selfSigning}`, selfSigning)
  return { user_id: user, device_id: deviceId, identity_key: identityKey, signing_key: signingKey, cross_signed: crossSigned ? 1 : 0 }
}
