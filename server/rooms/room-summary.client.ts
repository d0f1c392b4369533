import { isRoomAlias, isRoomId, type RoomId } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { mayPreview, roomSummary } from './room-summary.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
export function roomSummaryEndpoints(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/room_summary/{roomIdOrAlias}',
      aliases: [
        '/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}',
        '/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary',
      ],
      operationId: 'getRoomSummary',
      auth: 'access_token?',
      body: 'none',
      rate: 'other',
      handle: (call) => summaryOf(tools, call),
    }),
  ]
}

async function summaryOf(tools: Tools, call: Call<'access_token?'>): Promise<Reply> {
  const { graph } = tools
  const userId = call.requester?.userId
  const room = await graph.freshRoom(await roomOf(tools, call))
  if (room === undefined || !(await mayPreview(graph, room, userId))) throw notFound('there is no such room, or you may not look at it')
  const summary = roomSummary(room)
  const unstable = {
    'im.nheko.summary.room_version': summary['room_version'],
    'im.nheko.summary.encryption': summary['encryption'],
  }
  const membership = userId === undefined ? {} : { membership: room.membership(userId) ?? 'leave' }
  return { body: { ...summary, ...unstable, ...membership } }
}

async function roomOf({ graph, people }: Tools, { params, requester }: Call<'access_token?'>): Promise<RoomId> {
  const idOrAlias = params['roomIdOrAlias'] ?? ''
  if (isRoomId(idOrAlias)) return idOrAlias
  if (!isRoomAlias(idOrAlias)) throw invalidParam('this is neither a room id (!…) nor an alias (#name:example.org)')
  const known = await graph.aliasTarget(idOrAlias)
  if (known !== undefined) return known
  const isMade = requester !== undefined && (await people.queryAlias(idOrAlias, requester.service))
  const roomId = isMade ? await graph.aliasTarget(idOrAlias) : undefined
  if (roomId === undefined) throw notFound('no room has this alias')
  return roomId
}
