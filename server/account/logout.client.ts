import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout */
export function logout({ people }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/logout',
      aliases: ['/_matrix/client/r0/logout'],
      operationId: 'logout',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => {
        await people.endSession(requester)
        return { body: {} }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/logout/all',
      aliases: ['/_matrix/client/r0/logout/all'],
      operationId: 'logout_all',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => {
        await people.endAllSessions(requester.userId)
        return { body: {} }
      },
    }),
  ]
}
