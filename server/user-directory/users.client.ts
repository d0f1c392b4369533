import { readText } from '../core/fields.ts'
import type { JsonObject } from '../core/json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { LogFollower } from '../storage/log-follower.ts'
import { findUsers } from './find-users.ts'

const longestTerm = 512
const mostUsers = 50
/** How long a search waits for who came just before it, where the disk is slow. */
const patience = 5000

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
export function usersEndpoint(tools: Tools, follower: Pick<LogFollower, 'reached'>): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/v3/user_directory/search',
    aliases: ['/_matrix/client/r0/user_directory/search'],
    operationId: 'searchUserDirectory',
    auth: 'access_token',
    body: 'json',
    limit: 16 * 1024,
    rate: 'search_users',
    handle: async ({ body, requester }) => {
      const term = readText(body, 'search_term').trim()
      if (term.length > longestTerm) throw invalidParam('`search_term` is too long')
      const limit = readLimit(body)
      await follower.reached(tools.home.notifier.position(), patience)
      const { users, limited } = await findUsers(tools, requester.userId, term, limit)
      const results = users.map(({ user_id, display_name, avatar_url }) => ({
        user_id,
        ...(display_name === null ? {} : { display_name }),
        ...(avatar_url === null ? {} : { avatar_url }),
      }))
      return { body: { results, limited } }
    },
  })
}

function readLimit({ limit = 10 }: JsonObject): number {
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0) throw invalidParam('`limit` must be a whole number')
  return Math.min(limit, mostUsers)
}
