import { type DeviceId, serverNameOf, type UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import type { People } from '../people/people.ts'
import { type CrossSigningRow, type SignatureRow, selectCrossSigningKeys, selectSignatures } from './cross-signing.store.ts'
import { selectDeviceKeysOfUsers } from './keys.store.ts'

type Tools = { readonly home: Pick<Home, 'database' | 'serverName'>; readonly people: Pick<People, 'devices'> }

/** What is asked: for each user the devices, none for all of them. */
export type KeyQuery = ReadonlyMap<UserId, readonly DeviceId[]>

/**
 * The keys of users as `reader` may see them. Users and devices that are not known are missing; other servers are among the failures.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function queryKeys({ home, people }: Tools, reader: UserId, query: KeyQuery): Promise<JsonObject> {
  const local = [...query.keys()].filter((userId) => serverNameOf(userId) === home.serverName)
  const [devices, crossSigning, signatures] = await Promise.all([
    home.database.select(selectDeviceKeysOfUsers, local),
    home.database.select(selectCrossSigningKeys, local),
    home.database.select(selectSignatures, local, reader),
  ])
  const sign = signWith(signatures)
  const deviceKeys: Record<string, Record<string, Json>> = {}
  for (const userId of local) deviceKeys[userId] = {}
  const names = await displayNames(people, new Set(devices.map(({ user_id }) => user_id as UserId)))
  for (const { user_id, device_id, content } of devices) {
    const wanted = query.get(user_id as UserId)!
    const known = names.get(user_id as UserId)!
    // A device that has just been removed may leave its keys behind for a moment.
    if ((wanted.length > 0 && !wanted.includes(device_id)) || !known.has(device_id)) continue
    const displayName = known.get(device_id)
    const unsigned = displayName === undefined ? {} : { device_display_name: displayName }
    deviceKeys[user_id]![device_id] = { ...sign(user_id, device_id, JSON.parse(content)), unsigned }
  }
  const crossKeys = (usage: string, rows: readonly CrossSigningRow[]) =>
    Object.fromEntries(
      rows.filter((row) => row.usage === usage).map((row) => [row.user_id, sign(row.user_id, row.public_key, JSON.parse(row.content))]),
    )
  return {
    device_keys: deviceKeys,
    master_keys: crossKeys('master', crossSigning),
    self_signing_keys: crossKeys('self_signing', crossSigning),
    user_signing_keys: crossKeys(
      'user_signing',
      crossSigning.filter((row) => row.user_id === reader),
    ),
    failures: failuresOf(home, query.keys()),
  }
}

/** The servers of users that are not ours: they cannot be asked. */
export function failuresOf({ serverName }: Pick<Home, 'serverName'>, userIds: Iterable<UserId>): JsonObject {
  const failures: Record<string, Json> = {}
  for (const userId of userIds) {
    const server = serverNameOf(userId)
    if (server !== serverName) failures[server] = { status: 503, message: 'this server does not federate' }
  }
  return failures
}

/** Puts the signatures that were uploaded on their own on the keys that they belong to. */
function signWith(rows: readonly SignatureRow[]) {
  const byKey = Map.groupBy(rows, (row) => `${row.user_id}\0${row.signed}`)
  return (userId: string, signed: string, key: JsonObject): JsonObject => {
    const signatures: Record<string, Record<string, Json>> = structuredClone(
      (key['signatures'] ?? {}) as Record<string, Record<string, Json>>,
    )
    for (const { signer, key_id, signature } of byKey.get(`${userId}\0${signed}`) ?? []) {
      signatures[signer] = { ...signatures[signer], [key_id]: signature }
    }
    return { ...key, signatures }
  }
}

async function displayNames(
  people: Pick<People, 'devices'>,
  userIds: ReadonlySet<UserId>,
): Promise<Map<UserId, Map<DeviceId, string | undefined>>> {
  const entries = await Promise.all(
    [...userIds].map(async (userId) => {
      const devices = await people.devices(userId)
      return [userId, new Map(devices.map(({ deviceId, displayName }) => [deviceId, displayName]))] as const
    }),
  )
  return new Map(entries)
}
