import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import type { RoomView } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { mayPreview, roomSummary } from './room-summary.ts'
import { childrenOf, childrenState } from './space-children.ts'

const deepest = 20
const mostRooms = 100
const token = /^h1_(\d{1,9})_(\d{1,3})_([01])$/

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
export function spaceHierarchy(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/rooms/{roomId}/hierarchy',
      aliases: ['/_matrix/client/unstable/org.matrix.msc2946/rooms/{roomId}/hierarchy'],
      operationId: 'getSpaceHierarchy',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: (call) => hierarchyOf(tools, call),
    }),
  ]
}

async function hierarchyOf(tools: Tools, { params, query, requester: { userId } }: Call<'access_token'>): Promise<Reply> {
  const { graph } = tools
  const roomId = roomIdOf(params['roomId'])
  const limit = readCount(query, 'limit', 50, mostRooms)
  if (limit === 0) throw invalidParam('`limit` must be greater than zero')
  const maxDepth = readCount(query, 'max_depth', deepest, deepest)
  const suggestedOnly = readChoice(query, 'suggested_only', ['true', 'false']) === 'true'
  const begin = readFrom(query.get('from') ?? '', maxDepth, suggestedOnly)
  const root = await graph.freshRoom(roomId)
  if (root === undefined || !(await mayPreview(graph, root, userId))) throw forbidden('you are not allowed to view this room')
  const rooms = await walk(tools, userId, { roomId, maxDepth, suggestedOnly, end: begin + limit + 1 })
  const page = rooms
    .slice(begin, begin + limit)
    .map((room) => ({ ...roomSummary(room), children_state: childrenState(room, suggestedOnly) }))
  const more = rooms.length > begin + limit
  return { body: { rooms: page, ...(more ? { next_batch: `h1_${begin + limit}_${maxDepth}_${suggestedOnly ? 1 : 0}` } : {}) } }
}

/** Where a page begins. "If specified, max_depth and suggested_only cannot be changed from the first request." */
function readFrom(from: string, maxDepth: number, suggestedOnly: boolean): number {
  if (from === '') return 0
  const [, begin, depth, suggested] = token.exec(from) ?? []
  if (begin === undefined) throw invalidParam('this is not a token of this server')
  if (Number(depth) !== maxDepth || (suggested === '1') !== suggestedOnly)
    throw invalidParam('`suggested_only` and `max_depth` cannot change on paginated requests')
  return Number(begin)
}

type Walk = { readonly roomId: RoomId; readonly maxDepth: number; readonly suggestedOnly: boolean; readonly end: number }

/** The first rooms of the tree that the user may look at, depth first; each once, so that circles end. */
async function walk({ graph }: Tools, userId: UserId, { roomId, maxDepth, suggestedOnly, end }: Walk): Promise<RoomView[]> {
  const found: RoomView[] = []
  const seen = new Set<string>()
  const stack: { roomId: RoomId; depth: number }[] = [{ roomId, depth: 0 }]
  while (found.length < end) {
    const next = stack.pop()
    if (next === undefined) break
    if (seen.has(next.roomId)) continue
    seen.add(next.roomId)
    const room = await graph.room(next.roomId)
    if (room === undefined || !(await mayPreview(graph, room, userId))) continue
    found.push(room)
    if (next.depth >= maxDepth) continue
    for (const { pdu } of childrenOf(room, suggestedOnly).reverse()) {
      stack.push({ roomId: pdu.state_key as RoomId, depth: next.depth + 1 })
    }
  }
  return found
}
