import { serverNameOf } from '../core/ids.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { claimedKeys, claimKeys } from './claim-keys.ts'
import type { KnownKeys } from './known-keys.ts'
import { keysText, tellKeys } from './query-keys.ts'
import { readQuery, readWanted } from './read-requests.ts'

/**
 * Other servers ask for the keys of this server's users, and of nobody else's; user-signing keys are never told.
 * https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption
 */
export function userKeys({ home }: Pick<Tools, 'home'>, known: KnownKeys): Endpoint[] {
  const isOurs = (userId: `@${string}`) => serverNameOf(userId) === home.serverName
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/query',
      operationId: 'queryUserEncryptionKeys',
      auth: 'x-matrix',
      body: 'json',
      handle: async ({ body }) => {
        const query = new Map([...readQuery(body)].filter(([userId]) => isOurs(userId)))
        const named = home.config.federation.tell_device_names
        const { user_signing_keys: _, ...told } = await tellKeys({ home, known }, { reader: undefined, named }, query)
        return { body: keysText(told) }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/federation/v1/user/keys/claim',
      operationId: 'claimUserEncryptionKeys',
      auth: 'x-matrix',
      body: 'json',
      handle: async ({ body }) => {
        const wanted = readWanted(body).filter(({ userId }) => isOurs(userId))
        return { body: { one_time_keys: claimedKeys(await claimKeys(home, wanted)) } }
      },
    }),
  ]
}
