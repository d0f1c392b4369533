import { type DeviceId, serverNameOf, type UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { People } from '../people/people.ts'
import { type CrossSigningRow, type SignatureRow, selectCrossSigningKeys, selectOwnSignatures } from './cross-signing.store.ts'
import { selectDeviceKeysOfUsers } from './keys.store.ts'

/** What everybody may see of a user's keys, as JSON, with the user's own signatures. The user-signing key is the user's alone to see. */
export type PublicKeys = {
  readonly userId: UserId
  /** The user id and all devices: one member of `device_keys`. */
  readonly member: string
  readonly devices: ReadonlyMap<DeviceId, string>
  readonly master: { readonly publicKey: string; readonly key: JsonObject } | undefined
  /** Like `member`, of each usage there is. */
  readonly crossSigning: ReadonlyMap<string, string>
  /** About how many characters all this is. */
  readonly size: number
}

type Tools = { readonly home: Pick<Home, 'database' | 'serverName'>; readonly people: Pick<People, 'devicesOf'> }
type Sign = (userId: string, signed: string, key: JsonObject) => JsonObject

const overhead = 300

/** Reads the keys of users from the disk, in their order: of this server's, and of others' whose device lists are kept. */
export async function selectPublicKeys(
  { home: { database, serverName }, people }: Tools,
  userIds: readonly UserId[],
): Promise<PublicKeys[]> {
  const [deviceRows, keyRows, signatures] = await Promise.all([
    database.select(selectDeviceKeysOfUsers, userIds),
    database.select(selectCrossSigningKeys, userIds),
    database.select(selectOwnSignatures, userIds),
  ])
  const isOurs = (userId: UserId) => serverNameOf(userId) === serverName
  const named = await people.devicesOf([...new Set(deviceRows.map(({ user_id }) => user_id as UserId))].filter(isOurs))
  const sign = signWith(signatures)
  const devicesOf = Map.groupBy(deviceRows, ({ user_id }) => user_id)
  const keysOf = Map.groupBy(keyRows, ({ user_id }) => user_id)
  return userIds.map((userId) => {
    if (!devicesOf.has(userId) && !keysOf.has(userId)) return noKeys(userId)
    const names = new Map(named.get(userId)?.map(({ deviceId, displayName }) => [deviceId, displayName]))
    const devices = new Map<DeviceId, string>()
    for (const { device_id, content } of devicesOf.get(userId) ?? []) {
      if (!isOurs(userId)) devices.set(device_id, content)
      // A device that has just been removed may leave its keys behind for a moment.
      else if (names.has(device_id)) devices.set(device_id, deviceText(sign(userId, device_id, JSON.parse(content)), names.get(device_id)))
    }
    return publicKeys(userId, devices, keysOf.get(userId) ?? [], sign)
  })
}

/** One member of a JSON object. */
export function memberText(name: string, text: string): string {
  return `${JSON.stringify(name)}:${text}`
}

/** The JSON of an object of devices, those wanted alone unless none is named. */
export function devicesText(devices: ReadonlyMap<DeviceId, string>, wanted: readonly DeviceId[]): string {
  const entries = [...devices].filter(([deviceId]) => wanted.length === 0 || wanted.includes(deviceId))
  return `{${entries.map(([deviceId, text]) => memberText(deviceId, text)).join(',')}}`
}

/** What other servers are told of a device: its keys, and perhaps what its user calls it; nothing when it has none. */
export function toldDevice(
  { devices }: PublicKeys,
  deviceId: DeviceId,
  named: boolean,
): { keys?: JsonObject; device_display_name?: string } {
  const text = devices.get(deviceId)
  if (text === undefined) return {}
  const { unsigned, ...keys } = JSON.parse(text)
  const name: unknown = unsigned?.device_display_name
  return { keys, ...(named && typeof name === 'string' ? { device_display_name: name } : {}) }
}

/** What other servers are told of a user's cross-signing keys. */
export function crossSigningKeys({ userId, crossSigning }: PublicKeys): { master_key?: JsonObject; self_signing_key?: JsonObject } {
  const keyOf = (usage: string): JsonObject | undefined => {
    const member = crossSigning.get(usage)
    return member === undefined ? undefined : JSON.parse(`{${member}}`)[userId]
  }
  const master = keyOf('master')
  const selfSigning = keyOf('self_signing')
  return { ...(master ? { master_key: master } : {}), ...(selfSigning ? { self_signing_key: selfSigning } : {}) }
}

/** Puts the signatures that were uploaded on their own on the keys that they belong to. */
export function signWith(rows: readonly SignatureRow[]): Sign {
  const byKey = Map.groupBy(rows, (row) => `${row.user_id}\0${row.signed}`)
  return (userId, signed, key) => {
    const signatures = { ...((key['signatures'] ?? {}) as Record<string, Record<string, Json>>) }
    for (const { signer, key_id, signature } of byKey.get(`${userId}\0${signed}`) ?? []) {
      signatures[signer] = { ...signatures[signer], [key_id]: signature }
    }
    return { ...key, signatures }
  }
}

function deviceText(key: JsonObject, displayName: string | undefined): string {
  return JSON.stringify({ ...key, unsigned: displayName === undefined ? {} : { device_display_name: displayName } })
}

const none: ReadonlyMap<string, string> = new Map()

function noKeys(userId: UserId): PublicKeys {
  const member = memberText(userId, '{}')
  return { userId, member, devices: none, master: undefined, crossSigning: none, size: overhead + member.length }
}

function publicKeys(userId: UserId, devices: ReadonlyMap<DeviceId, string>, rows: readonly CrossSigningRow[], sign: Sign): PublicKeys {
  const keys = rows.map(({ usage, public_key, content }) => ({
    usage,
    publicKey: public_key,
    key: sign(userId, public_key, JSON.parse(content)),
  }))
  const crossSigning = new Map(keys.map(({ usage, key }) => [usage, memberText(userId, JSON.stringify(key))]))
  const member = memberText(userId, devicesText(devices, []))
  const size = overhead + 2 * member.length + [...crossSigning.values()].reduce((sum, text) => sum + 2 * text.length, 0)
  return { userId, member, devices, master: keys.find(({ usage }) => usage === 'master'), crossSigning, size }
}
