import { roomIdOf } from '../core/fields.ts'
import { isUserId, serverNameOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { checkHanded, roomFor } from './joins.federation.ts'

const formerly = '/_matrix/federation/v1/send_leave/{roomId}/{eventId}'

/** Letting users of other servers leave, decline invitations and take back knocks. https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites */
export function leavesFederation(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/make_leave/{roomId}/{userId}',
      operationId: 'makeLeave',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => makeLeave(tools, call),
    }),
    endpoint({
      method: 'PUT',
      path: '/_matrix/federation/v2/send_leave/{roomId}/{eventId}',
      aliases: [formerly],
      operationId: 'sendLeaveV2',
      auth: 'x-matrix',
      body: 'json',
      handle: async ({ params, body, origin, request }) => {
        const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
        checkHanded(room, body, { origin, membership: 'leave', eventId: params['eventId'] })
        await tools.graph.takeHanded(origin, room.roomId, { event: body })
        // The former endpoint answered with a list.
        return { body: request.url?.startsWith('/_matrix/federation/v1/') ? '[200,{}]' : {} }
      },
    }),
  ]
}

async function makeLeave(tools: Tools, { params, origin }: Call<'x-matrix'>): Promise<Reply> {
  const { userId } = params
  if (!isUserId(userId) || serverNameOf(userId) !== origin) throw forbidden('the user is not of the server that asks')
  const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
  const template = { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'leave' } }
  const { version, event } = await tools.graph.propose(room.roomId, template, [origin])
  return { body: { room_version: version, event: event as unknown as JsonObject } }
}
