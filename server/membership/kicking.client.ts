import { readOptionalText, readUserId, roomIdOf } from '../core/fields.ts'
import { forbidden } from '../core/matrix-error.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { changeMembership } from './change-membership.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick */
export function kicking({ graph }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/rooms/{roomId}/kick',
      operationId: 'kick',
      auth: 'access_token',
      body: 'json',
      rate: 'other',
      handle: async (call) => {
        const roomId = roomIdOf(call.params['roomId'])
        const target = readUserId(call.body, 'user_id')
        const room = await graph.freshRoom(roomId)
        if (room?.membership(call.requester.userId) !== 'join') throw forbidden('you are not a member of this room')
        const membership = room.membership(target)
        if (membership === undefined || membership === 'leave' || membership === 'ban') throw forbidden('this user is not in the room')
        await changeMembership(graph, {
          roomId,
          sender: call.requester.userId,
          target,
          membership: 'leave',
          reason: readOptionalText(call.body, 'reason'),
          timestamp: timestampOf(call),
        })
        return { body: {} }
      },
    }),
  ]
}
