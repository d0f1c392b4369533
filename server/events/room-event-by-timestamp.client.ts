import { roomIdOf } from '../core/fields.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { forbidden, notFound } from '../core/matrix-error.ts'
import type { Graph, Seen } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { type Moment, readMoment } from './moment.ts'

const pageSize = 50
const mostPages = 20

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event */
export function roomEventByTimestamp(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/rooms/{roomId}/timestamp_to_event',
      aliases: ['/_matrix/client/unstable/org.matrix.msc3030/rooms/{roomId}/timestamp_to_event'],
      operationId: 'getEventByTimestamp',
      auth: 'access_token',
      body: 'none',
      handle: (call) => eventByTimestamp(tools, call),
    }),
  ]
}

async function eventByTimestamp({ graph }: Tools, { params, query, requester: { userId } }: Call<'access_token'>): Promise<Reply> {
  const roomId = roomIdOf(params['roomId'])
  const { timestamp, direction } = readMoment(query)
  const room = await graph.freshRoom(roomId)
  const membership = (await graph.memberships(userId)).get(roomId)
  const isOpen = room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable'
  if (room === undefined || ((membership === undefined || membership.forgotten) && !isOpen))
    throw forbidden('you are not a member of this room')
  const known = await closestKnown(graph, roomId, userId, { timestamp, direction })
  const eventId = await graph.bringClosest({ roomId, timestamp, direction, than: known?.event.pdu.origin_server_ts })
  const brought = eventId === undefined ? [] : await graph.visible(await graph.events([eventId]), userId)
  const seen = brought[0] ?? known
  if (seen === undefined) throw notFound(`there is no event ${direction === 'f' ? 'after' : 'before'} this moment that you may see`)
  return { body: { event_id: seen.event.eventId, origin_server_ts: seen.event.pdu.origin_server_ts } }
}

async function closestKnown(graph: Graph, roomId: RoomId, userId: UserId, { timestamp, direction }: Moment): Promise<Seen | undefined> {
  for (let pages = 0; pages < mostPages; pages++) {
    const page = await graph.sentAround(roomId, timestamp, direction, pageSize, pages * pageSize)
    const [seen] = await graph.visible(page, userId)
    if (seen !== undefined || page.length < pageSize) return seen
  }
  return undefined
}
