import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
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
      handle: () => ({ body: { 'm.homeserver': { base_url: home.config.public_baseurl }, ...foci(home) } }),
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
    endpoint({
      method: 'GET',
      path: '/.well-known/matrix/support',
      operationId: 'getWellknownSupport',
      auth: 'none',
      body: 'none',
      handle: () => ({ body: support(home) }),
    }),
    endpoint({
      method: 'GET',
      path: '/.well-known/matrix/policy_server',
      operationId: 'getWellknownPolicy',
      auth: 'none',
      body: 'none',
      handle: () => {
        const { policy_server_key: key } = home.config.well_known
        if (key === undefined) throw notFound('there is no policy server of this name')
        return { body: { public_keys: { ed25519: key } } }
      },
    }),
  ]
}

/** Where calls meet, for clients that look here. https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
function foci({ config: { livekit_service_url: url } }: Pick<Home, 'config'>): JsonObject {
  return url === '' ? {} : { 'org.matrix.msc4143.rtc_foci': [{ type: 'livekit', livekit_service_url: url }] }
}

/** Whom to turn to; 404 M_NOT_FOUND when nothing is configured. https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport */
function support({ config }: Pick<Home, 'config'>): JsonObject {
  const { support_page: page, support_contacts: all } = config.well_known
  const contacts = all.filter(({ matrix_id, email_address }) => matrix_id !== undefined || email_address !== undefined)
  if (!page && contacts.length === 0) throw notFound('no contacts are told here')
  return {
    ...(contacts.length > 0 ? { contacts: contacts.map((one) => ({ ...one })) } : {}),
    ...(page ? { support_page: page } : {}),
  }
}
