import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami */
export function whoami(): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/account/whoami',
      aliases: ['/_matrix/client/r0/account/whoami'],
      operationId: 'getTokenOwner',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: ({ requester }) => ({ body: { user_id: requester.userId, device_id: requester.deviceId, is_guest: false } }),
    }),
  ]
}
