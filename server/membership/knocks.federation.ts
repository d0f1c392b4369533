import { roomIdOf } from '../core/fields.ts'
import { isUserId, serverNameOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, incompatibleVersion } from '../core/matrix-error.ts'
import { stateToSend } from '../graph/outside/stripped-state.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { checkHanded, roomFor } from './joins.federation.ts'

/** Letting users of other servers knock. https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms */
export function knocksFederation(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/make_knock/{roomId}/{userId}',
      operationId: 'makeKnock',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => makeKnock(tools, call),
    }),
    endpoint({
      method: 'PUT',
      path: '/_matrix/federation/v1/send_knock/{roomId}/{eventId}',
      operationId: 'sendKnock',
      auth: 'x-matrix',
      body: 'json',
      handle: async ({ params, body, origin }) => {
        const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
        checkHanded(room, body, { origin, membership: 'knock', eventId: params['eventId'] })
        await tools.graph.takeHanded(origin, room.roomId, { event: body })
        return { body: { knock_room_state: stateToSend(room.state) as unknown as JsonObject[] } }
      },
    }),
  ]
}

async function makeKnock(tools: Tools, { params, query, origin }: Call<'x-matrix'>): Promise<Reply> {
  const { userId } = params
  if (!isUserId(userId) || serverNameOf(userId) !== origin) throw forbidden('the user is not of the server that asks')
  const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
  if (!query.getAll('ver').includes(room.version)) throw incompatibleVersion(room.version)
  const template = { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'knock' } }
  const { version, event } = await tools.graph.propose(room.roomId, template, [origin])
  return { body: { room_version: version, event: event as unknown as JsonObject } }
}
