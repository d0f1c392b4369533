import type { JsonObject } from '../core/json.ts'
import { notFound } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { keepFilter, readFilter } from '../people/filters.ts'
import { ownUser } from './account-data.ts'

const largest = 64 * 1024

/** https://spec.matrix.org/v1.19/client-server-api/#filtering */
export function filterEndpoints({ database }: Pick<Home, 'database'>): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/user/{userId}/filter',
      aliases: ['/_matrix/client/r0/user/{userId}/filter'],
      operationId: 'defineFilter',
      auth: 'access_token',
      body: 'json',
      limit: largest,
      handle: async ({ requester, params, body }) => ({
        body: { filter_id: await keepFilter(database, ownUser(requester, params['userId']), body) },
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/user/{userId}/filter/{filterId}',
      aliases: ['/_matrix/client/r0/user/{userId}/filter/{filterId}'],
      operationId: 'getFilter',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester, params }) => {
        const userId = ownUser(requester, params['userId'])
        const { filterId } = params
        const filter = isPlainText(filterId) ? await readFilter(database, userId, filterId) : undefined
        if (!filter) throw notFound('there is no such filter')
        return { body: filter as unknown as JsonObject }
      },
    }),
  ]
}
