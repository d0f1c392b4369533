import { readOptionalText } from '../core/fields.ts'
import { notFound } from '../core/matrix-error.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { changeMembership, profileContent } from './change-membership.ts'
import { findRoom } from './room-of.ts'

/**
 * Whether a knock is allowed is the room's to say (403 M_FORBIDDEN). All rooms of this server are here: `via` names servers to ask for others.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias
 */
export function knocking(tools: Tools): Endpoint[] {
  const { graph, people } = tools
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/knock/{roomIdOrAlias}',
      operationId: 'knockRoom',
      auth: 'access_token',
      body: 'json?',
      rate: 'join',
      handle: async (call) => {
        const { userId } = call.requester
        const reason = readOptionalText(call.body, 'reason')
        const { roomId } = await findRoom(tools, call)
        const room = await graph.freshRoom(roomId)
        if (room === undefined) throw notFound('this server knows no such room')
        const content = await profileContent(people, userId)
        await changeMembership(graph, {
          roomId,
          sender: userId,
          target: userId,
          membership: 'knock',
          reason,
          content,
          timestamp: timestampOf(call),
        })
        return { body: { room_id: roomId } }
      },
    }),
  ]
}
