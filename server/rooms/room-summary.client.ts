import { isRoomAlias, isRoomId, isServerName, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { fetchAlias } from '../remote/fetch-alias.ts'
import type { Tools } from '../slice.ts'
import { mayPreview, roomSummary } from './room-summary.ts'
import { likelyServers } from './space-tree.ts'
import { type AskTree, mayPreviewTold } from './trees-of-others.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
export function roomSummaryEndpoints(tools: Tools, askTree: AskTree): Endpoint[] {
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
      handle: (call) => summaryOf({ ...tools, askTree }, call),
    }),
  ]
}

type Asking = Tools & { readonly askTree: AskTree }
type Place = { readonly roomId: RoomId; readonly servers: readonly ServerName[] }

/** So long other servers are asked for a room that is not here. */
const timeForOthers = 20_000

async function summaryOf(tools: Asking, call: Call<'access_token?'>): Promise<Reply> {
  const { graph, home } = tools
  const userId = call.requester?.userId
  const { roomId, servers } = await placeOf(tools, call)
  const room = await graph.freshRoom(roomId)
  const isHere = room?.servers.has(home.serverName) === true
  // Who is not logged in has this server ask nobody.
  const told = isHere || userId === undefined ? undefined : await askOthers(tools, userId, roomId, servers)
  const ifAllowed = room !== undefined && (await mayPreview(graph, room, userId)) ? roomSummary(room) : undefined
  const summary = told ?? ifAllowed
  if (summary === undefined) throw notFound('there is no such room, or you may not look at it')
  const unstable = {
    'im.nheko.summary.room_version': summary['room_version'],
    'im.nheko.summary.encryption': summary['encryption'],
  }
  const membership = userId === undefined ? {} : { membership: (await graph.memberships(userId)).get(roomId)?.membership ?? 'leave' }
  return { body: { ...summary, ...unstable, ...membership } }
}

async function askOthers(
  { graph, askTree }: Asking,
  userId: UserId,
  roomId: RoomId,
  servers: readonly ServerName[],
): Promise<JsonObject | undefined> {
  const asked = [...servers, ...(await likelyServers(graph, userId, roomId))]
  const summary = (await askTree(roomId, asked, AbortSignal.timeout(timeForOthers)))?.room.summary
  return summary !== undefined && (await mayPreviewTold(graph, summary, userId)) ? summary : undefined
}

/** The room that is meant, and the servers that may know it. */
async function placeOf({ graph, people, home }: Asking, { params, query, requester }: Call<'access_token?'>): Promise<Place> {
  const idOrAlias = params['roomIdOrAlias'] ?? ''
  const via = query.getAll('via').filter(isServerName)
  if (isRoomId(idOrAlias)) return { roomId: idOrAlias, servers: via }
  if (!isRoomAlias(idOrAlias)) throw invalidParam('this is neither a room id (!…) nor an alias (#name:example.org)')
  if (serverNameOf(idOrAlias) !== home.serverName && requester !== undefined) {
    const { roomId, servers } = await fetchAlias(home.peers, idOrAlias)
    return { roomId, servers: [...via, ...servers] }
  }
  const known = await graph.aliasTarget(idOrAlias)
  if (known !== undefined) return { roomId: known, servers: via }
  const isMade = requester !== undefined && (await people.queryAlias(idOrAlias, requester.service))
  const roomId = isMade ? await graph.aliasTarget(idOrAlias) : undefined
  if (roomId === undefined) throw notFound('no room has this alias')
  return { roomId, servers: via }
}
