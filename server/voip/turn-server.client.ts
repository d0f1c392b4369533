import { createHmac } from 'node:crypto'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver */
export function turnServer({ config, clock }: Pick<Home, 'config' | 'clock'>): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/_matrix/client/v3/voip/turnServer',
    aliases: ['/_matrix/client/r0/voip/turnServer'],
    operationId: 'getTurnServer',
    auth: 'access_token',
    body: 'none',
    rate: 'other',
    handle: ({ requester }) => ({ body: credentials(config.turn, requester.userId, clock.now()) }),
  })
}

/**
 * The credentials of one user: a name that ends at a time, and its password, made of the secret that the TURN server knows. Nothing where there is no
 * TURN server: clients take that for an answer.
 */
export function credentials(turn: Home['config']['turn'], userId: UserId, now: number): JsonObject {
  const { uris, shared_secret, username, password, lifetime } = turn
  const ttl = Math.floor(lifetime / 1000)
  if (uris.length === 0) return {}
  if (shared_secret !== undefined) {
    const name = `${Math.floor(now / 1000) + ttl}:${userId}`
    return { username: name, password: createHmac('sha1', shared_secret).update(name).digest('base64'), uris: [...uris], ttl }
  }
  return username === undefined || password === undefined ? {} : { username, password, uris: [...uris], ttl }
}
