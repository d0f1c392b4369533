import { notFound } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** Queries of a type that the specification does not know; those that it knows are their slices'. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryquerytype */
export function queryInfo(): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/query/{queryType}',
      operationId: 'queryInfo',
      auth: 'x-matrix',
      body: 'none',
      handle: () => {
        throw notFound('this server knows no such query')
      },
    }),
  ]
}
