import { type DeviceId, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { missingParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import { type Endpoint, endpoint, type Requester } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { claimedKeys, claimKeys, type Wanted } from './claim-keys.ts'
import type { KeyCounts } from './key-counts.ts'
import type { KnownKeys } from './known-keys.ts'
import { memberText } from './public-keys.ts'
import { type KeyQuery, keysText, tellKeys } from './query-keys.ts'
import { readQuery, readWanted } from './read-requests.ts'
import type { AskServer } from './remote/ask-server.ts'
import { claimRemoteKeys } from './remote/claim-remote.ts'
import { readTimeout } from './remote/in-time.ts'
import { queryRemote } from './remote/query-remote.ts'
import type { RemoteLists } from './remote/remote-lists.ts'
import { uploadKeys } from './upload-keys.ts'

/** What is asked so often that it is kept, and how other servers are asked. */
type Sources = {
  readonly counts: (userId: UserId, deviceId: DeviceId) => Promise<KeyCounts>
  readonly known: KnownKeys
  readonly lists: RemoteLists
  readonly askServer: AskServer
}

/** Upload, query and claim of device keys. */
export function keysEndpoints({ home, graph }: Pick<Tools, 'home' | 'graph'>, sources: Sources): Endpoint[] {
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
        const { counts: oneTimeKeyCounts } = await sources.counts(owner.userId, owner.deviceId)
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
      handle: async ({ requester, body }) => ({ body: await query({ home, ...sources }, requester.userId, body) }),
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/claim',
      aliases: ['/_matrix/client/r0/keys/claim'],
      operationId: 'claimKeys',
      auth: 'access_token',
      body: 'json',
      handle: async ({ body }) => ({ body: await claim({ home, ...sources }, body) }),
    }),
  ]
}

type Needs = Sources & { readonly home: Tools['home'] }

async function query(needs: Needs, reader: UserId, body: JsonObject): Promise<string> {
  const { home } = needs
  const isOurs = (userId: UserId) => serverNameOf(userId) === home.serverName
  const asked = readQuery(body)
  const theirs = only(asked, (userId) => !isOurs(userId))
  const [told, remote] = await Promise.all([
    tellKeys(needs, { reader, named: true }, only(asked, isOurs)),
    queryRemote(needs, reader, theirs, readTimeout(body)),
  ])
  for (const [name, members] of Object.entries(remote.told)) told[name as keyof typeof told].push(...members)
  return keysText(told, [memberText('failures', JSON.stringify(remote.failures))])
}

async function claim(needs: Needs, body: JsonObject): Promise<JsonObject> {
  const wanted = readWanted(body)
  const isOurs = ({ userId }: Wanted) => serverNameOf(userId) === needs.home.serverName
  const remote = wanted.filter((one) => !isOurs(one))
  // Whoever does not wait for a slow server loses no keys of this one: those come last.
  const { claimed: theirs, failures } = await claimRemoteKeys(needs, remote, readTimeout(body))
  const ours = await claimKeys(needs.home, wanted.filter(isOurs))
  return { one_time_keys: claimedKeys([...ours, ...theirs]), failures }
}

function deviceOf({ deviceId }: Requester): DeviceId {
  if (!isPlainText(deviceId)) throw missingParam('keys belong to a device, and this session has none')
  return deviceId
}

function only(query: KeyQuery, isWanted: (userId: UserId) => boolean): KeyQuery {
  return new Map([...query].filter(([userId]) => isWanted(userId)))
}
