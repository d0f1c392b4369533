import { compareCodePoints } from '../core/canonical-json.ts'
import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import type { RoomView, StateEvent } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { mayPreview, roomSummary } from './room-summary.ts'

const deepest = 20
const mostRooms = 100
const mostChildren = 1000
const validOrder = /^[\x20-\x7e]{1,50}$/
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

/** A space's children in order. https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space */
function childrenOf(room: RoomView, suggestedOnly: boolean): StateEvent[] {
  if (room.state('m.room.create', '')?.pdu.content['type'] !== 'm.space') return []
  const children = [...room.allState()].filter(
    ({ pdu }) =>
      pdu.type === 'm.space.child' &&
      isRoomId(pdu.state_key) &&
      isVia(pdu.content['via']) &&
      (!suggestedOnly || pdu.content['suggested'] === true),
  )
  return children.sort(compareChildren).slice(0, mostChildren)
}

function isVia(via: unknown): boolean {
  return Array.isArray(via) && via.some((server) => typeof server === 'string' && server !== '')
}

function compareChildren(a: StateEvent, b: StateEvent): number {
  const [first, second] = [orderOf(a), orderOf(b)]
  if (first !== undefined && second !== undefined && first !== second) return compareCodePoints(first, second)
  if ((first === undefined) !== (second === undefined)) return first === undefined ? 1 : -1
  return a.pdu.origin_server_ts - b.pdu.origin_server_ts || compareCodePoints(a.pdu.state_key ?? '', b.pdu.state_key ?? '')
}

function orderOf({ pdu }: StateEvent): string | undefined {
  const { order } = pdu.content
  return typeof order === 'string' && validOrder.test(order) ? order : undefined
}

function childrenState(room: RoomView, suggestedOnly: boolean): JsonObject[] {
  return childrenOf(room, suggestedOnly).map(({ pdu: { type, state_key, content, sender, origin_server_ts } }) => ({
    type,
    state_key,
    content,
    sender,
    origin_server_ts,
  }))
}
