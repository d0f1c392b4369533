import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { uploadCrossSigningKeys } from './upload-cross-signing-keys.ts'
import { uploadSignatures } from './upload-signatures.ts'

/** Upload of cross-signing keys and of signatures. */
export function crossSigningEndpoints({ home, people, graph }: Pick<Tools, 'home' | 'people' | 'graph'>): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/device_signing/upload',
      aliases: ['/_matrix/client/unstable/keys/device_signing/upload'],
      operationId: 'uploadCrossSigningKeys',
      auth: 'access_token',
      body: 'json',
      handle: async (call) => {
        const { requester } = call
        const { auth: _, ...keys } = call.body
        // In memory, the user's rooms are woken with the change.
        await graph.memberships(requester.userId)
        await uploadCrossSigningKeys({ home, people }, requester.userId, keys, () => people.confirmByPassword(call))
        return { body: {} }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/keys/signatures/upload',
      aliases: ['/_matrix/client/unstable/keys/signatures/upload'],
      operationId: 'uploadCrossSigningSignatures',
      auth: 'access_token',
      body: 'json',
      handle: async ({ requester, body }) => {
        await graph.memberships(requester.userId)
        return { body: { failures: await uploadSignatures(home, requester.userId, body) } }
      },
    }),
  ]
}
