import { forbidden, missingParam } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { isTokenUsable } from './registration-tokens.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity */
export function registrationTokens({ home }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/register/m.login.registration_token/validity',
      aliases: ['/_matrix/client/unstable/org.matrix.msc3231/register/org.matrix.msc3231.login.registration_token/validity'],
      operationId: 'registrationTokenValidity',
      auth: 'none',
      body: 'none',
      rate: 'token_validity',
      handle: async ({ query }) => {
        if (!home.config.registration.token_required) throw forbidden('registration tokens are not in use here')
        const token = query.get('token')
        if (token === null) throw missingParam('token is missing')
        return { body: { valid: await isTokenUsable(home, token) } }
      },
    }),
  ]
}
