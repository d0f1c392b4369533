import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { product } from '../http/version.ts'

/** https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version */
export function version(): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/version',
      operationId: 'getVersion',
      auth: 'none',
      body: 'none',
      handle: () => ({ body: { server: product } }),
    }),
  ]
}
