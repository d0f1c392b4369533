import { readText } from '../core/fields.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens */
export function refresh({ people }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/refresh',
      aliases: ['/_matrix/client/v1/refresh'],
      operationId: 'refresh',
      auth: 'none',
      body: 'json',
      limit: 65_536,
      rate: 'other',
      handle: async ({ body }) => {
        const next = await people.refresh(readText(body, 'refresh_token'))
        return { body: { access_token: next.accessToken, refresh_token: next.refreshToken, expires_in_ms: next.expiresInMilliseconds } }
      },
    }),
  ]
}
