import type { JsonObject } from '../core/json.ts'
import { badJson, forbidden } from '../core/matrix-error.ts'
import { requireJoined } from '../graph/require-joined.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { longestTyping, type Typing } from './typing.ts'

const usualTyping = 30_000

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid */
export function typingEndpoint({ graph }: Pick<Tools, 'graph'>, typing: Pick<Typing, 'set'>): Endpoint {
  return endpoint({
    method: 'PUT',
    path: '/_matrix/client/v3/rooms/{roomId}/typing/{userId}',
    aliases: ['/_matrix/client/r0/rooms/{roomId}/typing/{userId}'],
    operationId: 'setTyping',
    auth: 'access_token',
    body: 'json',
    rate: 'other',
    handle: async ({ requester: { userId }, params, body }) => {
      if (params['userId'] !== userId) throw forbidden('one can only type oneself')
      const milliseconds = readTime(body)
      const { roomId } = await requireJoined(graph, params['roomId'], userId)
      typing.set(roomId, userId, milliseconds)
      return { body: {} }
    },
  })
}

/** For how long; 0 for no more. */
function readTime({ typing, timeout = usualTyping }: JsonObject): number {
  if (typeof typing !== 'boolean') throw badJson('typing is neither true nor false')
  if (typeof timeout !== 'number' || !Number.isInteger(timeout)) throw badJson('timeout is not a number of milliseconds')
  return typing ? Math.min(Math.max(timeout, 0), longestTyping) : 0
}
