import { readOptionalText, readText } from '../core/fields.ts'
import type { JsonObject } from '../core/json.ts'
import {
  forbidden,
  invalidParam,
  MatrixError,
  missingParam,
  serverNotTrusted,
  threepidDenied,
  threepidNotFound,
} from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

type Medium = 'email' | 'msisdn'
const base = '/_matrix/client/v3'

/**
 * Third-party identifiers. This server sends neither mail nor text messages and trusts no identity server, so it keeps none: accounts have no
 * identifiers, and none can be proved. https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information
 */
export function thirdParty(): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: `${base}/account/3pid`,
      aliases: ['/_matrix/client/r0/account/3pid'],
      operationId: 'getAccount3PIDs',
      auth: 'access_token',
      body: 'none',
      handle: () => ({ body: { threepids: [] } }),
    }),
    change('', 'post3PIDs', (body) => {
      const credentials = body['three_pid_creds']
      if (credentials === undefined) throw missingParam('three_pid_creds is missing')
      throw new MatrixError(403, 'M_THREEPID_AUTH_FAILED', 'this server trusts no identity server that could vouch for it')
    }),
    change('/add', 'add3PID', (body) => {
      readSecret(body)
      readText(body, 'sid')
      throw forbidden('third-party identifiers cannot be added here')
    }),
    change('/bind', 'bind3PID', (body) => {
      readSecret(body)
      for (const key of ['sid', 'id_server', 'id_access_token']) readText(body, key)
      throw serverNotTrusted('this server talks to no identity servers')
    }),
    change('/delete', 'delete3pidFromAccount', unbind),
    change('/unbind', 'unbind3pidFromAccount', unbind),
    ...(['email', 'msisdn'] as const).flatMap((medium) => [
      requestToken('account/3pid', medium, 'requestTokenTo3PID', () => threepidDenied('identifiers of this kind cannot be added here')),
      requestToken('register', medium, 'requestTokenToRegister', () =>
        threepidDenied('this server registers nobody by such an identifier'),
      ),
      requestToken('account/password', medium, 'requestTokenToResetPassword', () => threepidNotFound('no account has this identifier')),
    ]),
  ]
}

function change(end: string, operationId: string, handle: (body: JsonObject) => { body: JsonObject }): Endpoint {
  return endpoint({
    method: 'POST',
    path: `${base}/account/3pid${end}`,
    aliases: [`/_matrix/client/r0/account/3pid${end}`],
    operationId,
    auth: 'access_token',
    body: 'json',
    rate: '3pid',
    handle: (call) => handle(call.body),
  })
}

/** There is nothing to remove; which identity server may know the identifier is not known here. */
function unbind(body: JsonObject): { body: JsonObject } {
  const medium = readText(body, 'medium')
  if (medium !== 'email' && medium !== 'msisdn') throw invalidParam('medium must be email or msisdn')
  readText(body, 'address')
  readOptionalText(body, 'id_server')
  return { body: { id_server_unbind_result: 'no-support' } }
}

function requestToken(at: string, medium: Medium, operation: string, refusal: () => MatrixError): Endpoint {
  return endpoint({
    method: 'POST',
    path: `${base}/${at}/${medium}/requestToken`,
    aliases: [`/_matrix/client/r0/${at}/${medium}/requestToken`],
    operationId: `${operation}${medium === 'email' ? 'Email' : 'MSISDN'}`,
    auth: 'none',
    body: 'json',
    rate: '3pid',
    handle: ({ body }) => {
      readSecret(body)
      for (const key of medium === 'email' ? ['email'] : ['country', 'phone_number']) readText(body, key)
      const { send_attempt: attempt } = body
      if (attempt === undefined) throw missingParam('send_attempt is missing')
      if (!Number.isSafeInteger(attempt)) throw invalidParam('send_attempt must be a whole number')
      throw refusal()
    },
  })
}

function readSecret(body: JsonObject): void {
  if (!/^[0-9a-zA-Z.=_-]{1,255}$/.test(readText(body, 'client_secret')))
    throw invalidParam('client_secret is not of 0-9, a-z, A-Z and . = _ -')
}
