import { forbidden, invalidParam, missingToken, unknownToken } from '../core/matrix-error.ts'
import type { RunningCall } from './call.ts'
import type { Auth, Requester } from './endpoint.ts'

/** Who a token belongs to. `userId` and `deviceId` are what an application service asks to act as. */
export type Authenticate = (
  token: string,
  as: { userId: string | undefined; deviceId: string | undefined; ip: string; evenLocked?: boolean },
) => Promise<Requester>

const longestToken = 4096

/**
 * The requester of a call, as its endpoint's `auth` asks. 401 M_MISSING_TOKEN or M_UNKNOWN_TOKEN, 403 for what needs an application service's token.
 * https://spec.matrix.org/v1.19/client-server-api/#client-authentication
 */
export async function authenticateCall(
  call: RunningCall,
  auth: Auth,
  authenticate: Authenticate,
  evenLocked = false,
): Promise<Requester | undefined> {
  const token = readToken(call)
  if (token === undefined) {
    if (auth === 'access_token?' || auth === 'as_token?') return undefined
    throw missingToken()
  }
  const { query } = call
  const asItself = auth === 'as_token?'
  const requester = await authenticate(token, {
    userId: asItself ? undefined : (query.get('user_id') ?? undefined),
    deviceId: asItself ? undefined : (query.get('device_id') ?? query.get('org.matrix.msc3202.device_id') ?? undefined),
    ip: call.ip,
    evenLocked,
  })
  if (auth === 'as_token' && !requester.service) throw forbidden('this is for application services')
  return requester
}

/**
 * The token of the header, or (deprecated, and still sent) of the query; never of both. A server's signature is none: servers sign what they ask at the
 * old addresses of media too, and one of them takes a 401 for a sign that this server is out of order as a whole.
 */
function readToken(call: RunningCall): string | undefined {
  const header = call.request.headers.authorization
  const inQuery = call.query.get('access_token')
  if (header === undefined) return inQuery === null ? undefined : checked(inQuery)
  if (inQuery !== null) throw invalidParam('the access token is given twice')
  if (header.slice(0, 9).toLowerCase() === 'x-matrix ') return undefined
  if (header.slice(0, 7).toLowerCase() !== 'bearer ') throw missingToken('the Authorization header holds no bearer token')
  return checked(header.slice(7))
}

function checked(token: string): string {
  if (token === '') throw missingToken()
  if (token.length > longestToken || token.includes(' ') || token.includes(',')) throw unknownToken()
  return token
}
