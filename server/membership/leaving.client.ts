import { readOptionalText, roomIdOf } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import { cannotLeaveServerNoticeRoom, forbidden } from '../core/matrix-error.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { changeMembership } from './change-membership.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#leaving-rooms */
export function leaving({ home, graph }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/rooms/{roomId}/leave',
      operationId: 'leaveRoom',
      auth: 'access_token',
      body: 'json?',
      rate: 'other',
      handle: async (call) => {
        const roomId = roomIdOf(call.params['roomId'])
        const { userId } = call.requester
        const room = await graph.freshRoom(roomId)
        const reason = readOptionalText(call.body, 'reason')
        if (!room?.servers.has(home.serverName) && (await graph.outside.stands(userId, roomId))) {
          await graph.outside.leave(roomId, userId, reason === undefined ? {} : { reason })
          return { body: {} }
        }
        const membership = room?.membership(userId)
        if (membership === 'leave') return { body: {} }
        if (membership === undefined) throw forbidden('you are not in a room with this id')
        if (membership === 'invite' && room?.state('m.room.create', '')?.pdu.sender === noticesOf(home)) throw cannotLeaveServerNoticeRoom()
        await changeMembership(graph, { roomId, sender: userId, target: userId, membership: 'leave', reason, timestamp: timestampOf(call) })
        return { body: {} }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/rooms/{roomId}/forget',
      operationId: 'forgetRoom',
      auth: 'access_token',
      body: 'json?',
      rate: 'other',
      handle: async ({ params, requester }) => {
        await graph.forget(roomIdOf(params['roomId']), requester.userId)
        return { body: {} }
      },
    }),
  ]
}

/** Whoever the server's own notices come from: their invitations cannot be declined. */
function noticesOf({ config, serverName }: Tools['home']): UserId {
  return `@${config.server_notices.localpart}:${serverName}`
}
