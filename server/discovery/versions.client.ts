import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { product } from '../http/version.ts'
import { unstableFeatures, versions } from './features.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions */
export function versionsEndpoints(paths: () => Iterable<string>): Endpoint[] {
  let answer: string | undefined
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/versions',
      operationId: 'getVersions',
      auth: 'access_token?',
      body: 'none',
      handle: () => {
        // https://github.com/matrix-org/matrix-spec-proposals/pull/4383
        answer ??= JSON.stringify({ versions, unstable_features: unstableFeatures(paths()), 'net.zemos.msc4383.server': product })
        return { body: answer }
      },
    }),
  ]
}
