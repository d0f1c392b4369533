import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#well-known-uris and https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver */
export function wellKnown({ home }: { home: Pick<Home, 'config'> }): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/.well-known/matrix/client',
      operationId: 'getWellknown',
      auth: 'none',
      body: 'none',
      handle: () => ({ body: { 'm.homeserver': { base_url: home.config.public_baseurl } } }),
    }),
    endpoint({
      method: 'GET',
      path: '/.well-known/matrix/server',
      operationId: 'getWellKnown',
      auth: 'none',
      body: 'none',
      handle: () => {
        const { hostname, port } = new URL(home.config.public_baseurl)
        return { body: { 'm.server': `${hostname}:${port || '443'}` } }
      },
    }),
  ]
}
