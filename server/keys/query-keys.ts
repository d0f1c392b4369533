import { setImmediate } from 'node:timers/promises'
import { type DeviceId, serverNameOf, type UserId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { selectSignaturesOnMasters } from './cross-signing.store.ts'
import type { KnownKeys } from './known-keys.ts'
import { devicesText, memberText, type PublicKeys, signWith } from './public-keys.ts'

/** Other work is done in between. */
const usersAtOnce = 500

type Tools = { readonly home: Pick<Home, 'database' | 'serverName'>; readonly known: KnownKeys }

/** What is asked: for each user the devices, none for all of them. */
export type KeyQuery = ReadonlyMap<UserId, readonly DeviceId[]>

/**
 * The keys of users as `reader` may see them, as JSON: nearly all of it is put together from texts that are kept. Users and devices that are not
 * known are missing; other servers are among the failures. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery
 */
export async function queryKeys({ home, known }: Tools, reader: UserId, query: KeyQuery): Promise<string> {
  const local = [...query.keys()].filter((userId) => serverNameOf(userId) === home.serverName)
  const told: Record<string, string[]> = { device_keys: [], master_keys: [], self_signing_keys: [], user_signing_keys: [] }
  for (let from = 0; from < local.length; from += usersAtOnce) {
    if (from > 0) await setImmediate()
    const some = await known(local.slice(from, from + usersAtOnce))
    told['device_keys']!.push(...some.map((keys) => deviceMember(keys, query.get(keys.userId)!)))
    told['master_keys']!.push(...(await masterMembers(home, reader, some)))
    told['self_signing_keys']!.push(...some.flatMap(({ crossSigning }) => crossSigning.get('self_signing') ?? []))
    told['user_signing_keys']!.push(...ownMember(some, reader))
  }
  const members = Object.entries(told).map(([name, list]) => memberText(name, `{${list.join(',')}}`))
  return `{${members.join(',')},${memberText('failures', JSON.stringify(failuresOf(home, query.keys())))}}`
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

function deviceMember({ userId, member, devices }: PublicKeys, wanted: readonly DeviceId[]): string {
  return wanted.length === 0 ? member : memberText(userId, devicesText(devices, wanted))
}

function ownMember(all: readonly PublicKeys[], reader: UserId): string[] {
  return all.flatMap(({ userId, crossSigning }) => (userId === reader ? (crossSigning.get('user_signing') ?? []) : []))
}

/** The master keys, with the signatures that the reader, and nobody else, may see: the reader's own. */
async function masterMembers({ database }: Pick<Home, 'database'>, reader: UserId, all: readonly PublicKeys[]): Promise<string[]> {
  const withMaster = all.filter(({ master }) => master !== undefined)
  const others = withMaster.filter(({ userId }) => userId !== reader).map(({ userId }) => userId)
  const signatures = others.length > 0 ? await database.select(selectSignaturesOnMasters, others, reader) : []
  const byUser = Map.groupBy(signatures, ({ user_id }) => user_id)
  return withMaster.map(({ userId, master, crossSigning }) => {
    const { publicKey, key } = master!
    const signed = byUser.get(userId)
    return signed ? memberText(userId, JSON.stringify(signWith(signed)(userId, publicKey, key))) : crossSigning.get('master')!
  })
}
