import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { type Tree, walkTree } from './space-tree.ts'
import type { AskTree } from './trees-of-others.ts'

const deepest = 20
const mostRooms = 100
const token = /^h1_(\d{1,9})_(\d{1,3})_([01])$/

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
export function spaceHierarchy({ graph, home }: Tools, askTree: AskTree): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v1/rooms/{roomId}/hierarchy',
      aliases: ['/_matrix/client/unstable/org.matrix.msc2946/rooms/{roomId}/hierarchy'],
      operationId: 'getSpaceHierarchy',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: (call) => hierarchyOf({ graph, home, askTree }, call),
    }),
  ]
}

async function hierarchyOf(tools: Tree, { params, query, requester: { userId } }: Call<'access_token'>): Promise<Reply> {
  const roomId = roomIdOf(params['roomId'])
  const limit = readCount(query, 'limit', 50, mostRooms)
  if (limit === 0) throw invalidParam('`limit` must be greater than zero')
  const maxDepth = readCount(query, 'max_depth', deepest, deepest)
  const suggestedOnly = readChoice(query, 'suggested_only', ['true', 'false']) === 'true'
  const begin = readFrom(query.get('from') ?? '', maxDepth, suggestedOnly)
  const rooms = await walkTree(tools, userId, { roomId, maxDepth, suggestedOnly, end: begin + limit + 1 })
  if (rooms.length === 0) throw forbidden('you are not allowed to view this room')
  const page = rooms.slice(begin, begin + limit).map((room) => room())
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
