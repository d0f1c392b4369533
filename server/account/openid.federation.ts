import { missingToken, unknownToken } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { hashToken } from '../people/tokens.ts'
import type { Tools } from '../slice.ts'
import { selectOpenIdToken } from './single-use-tokens.store.ts'

/** https://spec.matrix.org/v1.19/server-server-api/#openid */
export function openIdFederation({ home, people }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/openid/userinfo',
      operationId: 'exchangeOpenIdToken',
      auth: 'none',
      body: 'none',
      rate: 'other',
      handle: async ({ query }) => {
        const token = query.get('access_token') ?? ''
        if (token === '') throw missingToken()
        const row = await home.database.selectOne(selectOpenIdToken, hashToken(token), home.clock.now())
        const account = row && (await people.account(row.user_id))
        if (!account || account.deactivated || account.locked) throw unknownToken({ message: 'Access Token unknown or expired' })
        return { body: { sub: account.userId } }
      },
    }),
  ]
}
