import { eventIdParameter, readOptionalText, roomIdOf } from '../core/fields.ts'
import { isEventId, type RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson, forbidden, notFound, userSuspended } from '../core/matrix-error.ts'
import type { Graph, Template } from '../graph/graph.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint, type Requester } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

const unredactable = ['m.room.create', 'm.room.server_acl']

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
export function redaction({ graph }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'PUT',
      path: '/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}',
      operationId: 'redactEvent',
      auth: 'access_token',
      body: 'json?',
      rate: 'message',
      handle: async (call) => {
        const { requester, params, path } = call
        const roomId = roomIdOf(params['roomId'])
        const target = eventIdParameter(params['eventId'])
        const reason = readOptionalText(call.body, 'reason')
        const content: JsonObject = { redacts: target, ...(reason === undefined ? {} : { reason }) }
        const template = await redactionTemplate(graph, roomId, requester, content)
        const timestamp = timestampOf(call)
        const { eventIds } = await graph.append(roomId, [timestamp === undefined ? template : { ...template, timestamp }], {
          transaction: { session: requester.session, path, id: params['txnId'] ?? '' },
        })
        return { body: { event_id: eventIds[0] } }
      },
    }),
  ]
}

/**
 * A redaction in the form of its room version: `redacts` in the content since version 11, beside it before. 404 M_NOT_FOUND when the target is
 * not in this room and no other server is, 403 M_FORBIDDEN when it cannot be redacted, or when this server does not have the room, M_USER_SUSPENDED for the event of
 * somebody else when the sender is suspended.
 */
export async function redactionTemplate(
  graph: Graph,
  roomId: RoomId,
  { userId: sender, suspended = false }: Pick<Requester, 'userId' | 'suspended'>,
  content: JsonObject,
): Promise<Template> {
  const target = content['redacts']
  if (!isEventId(target)) throw badJson('a redaction says in `redacts` which event it is about')
  const room = await graph.room(roomId)
  if (room === undefined) throw forbidden('you are not in a room with this id')
  const event = await graph.event(target)
  // Another server may have an event that is not here; what redacts it waits for it.
  const mayExist = event === undefined && room.servers.size > 1
  if (event?.roomId !== roomId && !mayExist) throw notFound('there is no such event in this room')
  if (suspended && event?.pdu.sender !== sender) throw userSuspended('You can redact your own events alone while suspended.')
  // Without their contents these would shut everybody out: no room version, or no server that is allowed.
  const spared = unredactable.find((type) => event?.pdu.type === type || room.state(type, '')?.eventId === target)
  if (spared !== undefined) throw forbidden(`${spared} cannot be redacted`)
  if (room.rules.redactsInContent) return { type: 'm.room.redaction', sender, content }
  const { redacts: _, ...others } = content
  return { type: 'm.room.redaction', sender, content: others, redacts: target }
}
