import { readOptionalText } from '../core/fields.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { changeMembership, profileContent } from './change-membership.ts'
import { isElsewhere } from './is-elsewhere.ts'
import { findRoom } from './room-of.ts'

/**
 * Whether a knock is allowed is the room's to say (403 M_FORBIDDEN). Rooms that this server is not in are knocked on over the servers that `via` names,
 * those of the alias, and those that were known of the room before.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias
 */
export function knocking(tools: Tools): Endpoint[] {
  const { graph, people, home } = tools
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
        const { roomId, servers } = await findRoom(tools, call)
        const room = await graph.freshRoom(roomId)
        const content = await profileContent(people, userId)
        if (room === undefined || isElsewhere(room, home)) {
          const before = (await graph.outside.find(userId, roomId))?.servers ?? []
          const known = [...servers, ...before, ...(room?.servers.keys() ?? [])]
          await graph.outside.knock(roomId, userId, reason === undefined ? content : { ...content, reason }, known)
          return { body: { room_id: roomId } }
        }
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
