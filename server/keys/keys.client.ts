import { type DeviceId, isUserId, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, missingParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import { type Endpoint, endpoint, type Requester } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { claimKeys, type Wanted } from './claim-keys.ts'
import type { KeyCounts } from './key-counts.ts'
import type { KnownKeys } from './known-keys.ts'
import { failuresOf, queryKeys } from './query-keys.ts'
import { uploadKeys } from './upload-keys.ts'

/** What is asked so often that it is kept. */
type Memory = { readonly counts: (userId: UserId, deviceId: DeviceId) => Promise<KeyCounts>; readonly known: KnownKeys }

/** Upload, query and claim of device keys. */
export function keysEndpoints({ home, graph }: Pick<Tools, 'home' | 'graph'>, { counts, known }: Memory): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/upload',
      aliases: ['/_matrix/client/r0/keys/upload', '/_matrix/client/v3/keys/upload/{deviceId}', '/_matrix/client/r0/keys/upload/{deviceId}'],
      operationId: 'uploadKeys',
      auth: 'access_token',
      body: 'json',
      handle: async ({ requester, body }) => {
        const owner = { userId: requester.userId, deviceId: deviceOf(requester) }
        // In memory, the user's rooms are woken with the change.
        await graph.memberships(owner.userId)
        await uploadKeys(home, owner, body)
        const { counts: oneTimeKeyCounts } = await counts(owner.userId, owner.deviceId)
        return { body: { one_time_key_counts: oneTimeKeyCounts } }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/query',
      aliases: ['/_matrix/client/r0/keys/query'],
      operationId: 'queryKeys',
      auth: 'access_token',
      body: 'json',
      handle: async ({ requester, body }) => ({ body: await queryKeys({ home, known }, requester.userId, readQuery(body)) }),
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/claim',
      aliases: ['/_matrix/client/r0/keys/claim'],
      operationId: 'claimKeys',
      auth: 'access_token',
      body: 'json',
      handle: async ({ body }) => {
        const wanted = readWanted(body)
        const claimed = await claimKeys(
          home,
          wanted.filter(({ userId }) => serverNameOf(userId) === home.serverName),
        )
        const keys: Record<string, Record<string, Json>> = {}
        for (const { userId, deviceId, keyId, key } of claimed) {
          keys[userId] ??= {}
          keys[userId][deviceId] = { [keyId]: key }
        }
        return {
          body: {
            one_time_keys: keys,
            failures: failuresOf(
              home,
              wanted.map(({ userId }) => userId),
            ),
          },
        }
      },
    }),
  ]
}

function deviceOf({ deviceId }: Requester): DeviceId {
  if (!isPlainText(deviceId)) throw missingParam('keys belong to a device, and this session has none')
  return deviceId
}

function readQuery(body: JsonObject): Map<UserId, DeviceId[]> {
  const query = new Map<UserId, DeviceId[]>()
  for (const [userId, devices] of entriesOf(body, 'device_keys')) {
    if (!Array.isArray(devices) || !devices.every((one) => typeof one === 'string'))
      throw badJson(`the devices of ${userId} are not a list of ids`)
    query.set(userId, devices as DeviceId[])
  }
  return query
}

function readWanted(body: JsonObject): Wanted[] {
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
