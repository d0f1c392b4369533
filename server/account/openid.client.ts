import { userIdOf } from '../core/fields.ts'
import { forbidden } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { hashToken, makeToken } from '../people/tokens.ts'
import type { Tools } from '../slice.ts'
import { write } from '../storage/database.ts'
import { deleteExpiredOpenIdTokens, insertOpenIdToken } from './single-use-tokens.store.ts'

const lifetime = 60 * 60_000

/** A token with which a user proves to somebody else who they are. https://spec.matrix.org/v1.19/client-server-api/#openid */
export function openId({ home }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/user/{userId}/openid/request_token',
      aliases: ['/_matrix/client/r0/user/{userId}/openid/request_token'],
      operationId: 'requestOpenIdToken',
      auth: 'access_token',
      body: 'json?',
      rate: 'other',
      handle: async ({ requester, params }) => {
        const userId = userIdOf(params['userId'])
        if (userId !== requester.userId) throw forbidden('a token for somebody else is not yours to ask for')
        const token = makeToken(home, 'openid')
        const now = home.clock.now()
        await home.database.commit({
          writes: [write(deleteExpiredOpenIdTokens, now), write(insertOpenIdToken, hashToken(token), userId, now + lifetime)],
        })
        const { serverName } = home
        return { body: { access_token: token, token_type: 'Bearer', matrix_server_name: serverName, expires_in: lifetime / 1000 } }
      },
    }),
  ]
}
