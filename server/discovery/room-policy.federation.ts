import { unrecognized } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/**
 * Recommending events of rooms for inclusion. "A server is a Policy Server if it implements this endpoint": this one is none, and says so.
 * https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign
 */
export function roomPolicy(): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/policy/v1/sign',
      operationId: 'askPolicyServerToSign',
      auth: 'none',
      body: 'none',
      handle: () => {
        throw unrecognized('this server is no policy server')
      },
    }),
  ]
}
