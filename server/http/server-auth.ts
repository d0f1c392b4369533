import { canonicalJson } from '../core/canonical-json.ts'
import { isServerName, type ServerName } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { unauthorized } from '../core/matrix-error.ts'
import { parseXMatrix, signedPart } from '../core/servers/x-matrix.ts'
import { verifyText } from '../core/signatures.ts'
import type { KeyRing } from '../remote/key-ring.ts'

/** Which server signed a request. 401 M_UNAUTHORIZED when none did. */
export type AuthenticateServer = (request: {
  readonly authorization: string | undefined
  readonly method: string
  /** As it stands in the request line. */
  readonly uri: string
  /** The parsed body; undefined where there is none. */
  readonly content: Json | undefined
}) => Promise<ServerName>

/** https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
export function createServerAuth(tools: {
  readonly serverName: ServerName
  readonly keyRing: Pick<KeyRing, 'find'>
  readonly clock: { now(): number }
}): AuthenticateServer {
  const { serverName, keyRing, clock } = tools
  return async ({ authorization, method, uri, content }) => {
    if (authorization === undefined) throw unauthorized('servers sign their requests: an X-Matrix Authorization header is missing')
    const said = parseXMatrix(authorization)
    if (said === undefined || !isServerName(said.origin)) throw unauthorized('the Authorization header is no X-Matrix header')
    const { origin, destination, keyId, signature } = said
    // "If this property is included, but the value does not match the receiving server's name, the receiving server must deny the request with an HTTP
    // status code 401 Unauthorized."
    if (destination !== undefined && destination !== serverName) throw unauthorized('the request is meant for another server')
    if (origin === serverName) throw unauthorized('the request claims to come from this server itself')
    const key = await keyRing.find({ serverName: origin, keyId, at: clock.now(), forRequest: true })
    if (key === undefined) throw unauthorized(`the key ${keyId.slice(0, 60)} of ${origin} could not be had, or is not valid now`)
    const signed = canonicalJson(signedPart({ method, uri, origin, destination: serverName, content }), false)
    if (!verifyText(signed, signature, key)) throw unauthorized('the signature of the request is wrong')
    return origin
  }
}
