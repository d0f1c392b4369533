import { readOptionalText, readUserId, roomIdOf } from '../core/fields.ts'
import { forbidden, notFound, threepidDenied } from '../core/matrix-error.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import { changeMembership, isLocal, profileContent } from './change-membership.ts'

/**
 * One path takes invitations by user id and by third-party identifier; the latter need an identity server, and this server has none.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite
 */
export function inviting({ graph, people, home }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/_matrix/client/v3/rooms/{roomId}/invite',
      operationId: 'inviteUser',
      alsoOperations: ['inviteBy3PID'],
      auth: 'access_token',
      body: 'json',
      rate: 'invite',
      handle: async (call) => {
        const roomId = roomIdOf(call.params['roomId'])
        if (call.body['user_id'] === undefined && call.body['medium'] !== undefined) {
          throw threepidDenied('this server has no identity server: invite by user id')
        }
        const target = readUserId(call.body, 'user_id')
        const room = await graph.freshRoom(roomId)
        if (room?.membership(call.requester.userId) !== 'join') throw forbidden('you are not a member of this room')
        const reason = readOptionalText(call.body, 'reason')
        if (!isLocal(home, target)) {
          await graph.inviteRemote(roomId, {
            type: 'm.room.member',
            stateKey: target,
            sender: call.requester.userId,
            content: { membership: 'invite', ...(reason === undefined ? {} : { reason }) },
            ...stamped(timestampOf(call)),
          })
          return { body: {} }
        }
        if (!(await people.userExists(target, call.requester.service))) throw notFound('there is no such user on this server')
        await checkInvite(home.database, call.requester.userId, target)
        await changeMembership(graph, {
          roomId,
          sender: call.requester.userId,
          target,
          membership: 'invite',
          reason,
          timestamp: timestampOf(call),
          content: await profileContent(people, target),
        })
        return { body: {} }
      },
    }),
  ]
}

function stamped(timestamp: number | undefined): { timestamp?: number } {
  return timestamp === undefined ? {} : { timestamp }
}
