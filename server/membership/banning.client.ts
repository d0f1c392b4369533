import { readOptionalText, readUserId, roomIdOf } from '../core/fields.ts'
import { forbidden } from '../core/matrix-error.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { changeMembership } from './change-membership.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#banning-users-in-a-room */
export function banning({ graph }: Tools): Endpoint[] {
  const post = { method: 'POST', auth: 'access_token', body: 'json', rate: 'other' } as const
  return [
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/ban',
      operationId: 'ban',
      handle: async (call) => {
        await change(graph, call, 'ban')
        return { body: {} }
      },
    }),
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/unban',
      operationId: 'unban',
      handle: async (call) => {
        await change(graph, call, 'leave')
        return { body: {} }
      },
    }),
  ]
}

async function change(graph: Tools['graph'], call: Parameters<typeof timestampOf>[0], membership: 'ban' | 'leave'): Promise<void> {
  const roomId = roomIdOf(call.params['roomId'])
  const target = readUserId(call.body, 'user_id')
  const room = await graph.freshRoom(roomId)
  if (room?.membership(call.requester.userId) !== 'join') throw forbidden('you are not a member of this room')
  const before = room.membership(target)
  if (membership === 'ban' && before === 'ban') return
  if (membership === 'leave' && before !== 'ban') throw forbidden('this user is not banned')
  const reason = readOptionalText(call.body, 'reason')
  await changeMembership(graph, { roomId, sender: call.requester.userId, target, membership, reason, timestamp: timestampOf(call) })
}
