import { type Endpoint, endpoint } from '../http/endpoint.ts'
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
        answer ??= JSON.stringify({ versions, unstable_features: unstableFeatures(paths()) })
        return { body: answer }
      },
    }),
  ]
}
