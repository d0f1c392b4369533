import { type EventFilter, matchesFilter } from '../core/event-filter.ts'
import { readChoice, readCount, roomIdOf } from '../core/fields.ts'
import type { RoomId } from '../core/ids.ts'
import { forbidden, missingParam } from '../core/matrix-error.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Place, Seen, TimelineEvent } from '../graph/graph.ts'
import { encodePlace, placeOfToken } from '../graph/place-token.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { sendersText } from './lazy-members.ts'
import { queryFilter } from './query-filter.ts'
import { withBundles } from './with-bundles.ts'

const newest: Place = { depth: Number.MAX_SAFE_INTEGER, order: Number.MAX_SAFE_INTEGER }
const oldest: Place = { depth: 0, order: Number.MIN_SAFE_INTEGER }
const mostPages = 20
/** Pages for which other servers are asked. */
const mostAsked = 3

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
export function messagePagination(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/rooms/{roomId}/messages',
      operationId: 'getRoomEvents',
      auth: 'access_token',
      body: 'none',
      handle: (call) => messagesOf(tools, call),
    }),
  ]
}

async function messagesOf(tools: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const { graph } = tools
  const roomId = roomIdOf(params['roomId'])
  const room = await graph.freshRoom(roomId)
  const membership = (await graph.memberships(requester.userId)).get(roomId)
  const readableByAll = room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable'
  if (room === undefined || ((membership === undefined || membership.forgotten) && !readableByAll))
    throw forbidden('you are not a member of this room')
  const direction = readChoice(query, 'dir', ['b', 'f'])
  if (direction === undefined) throw missingParam('`dir` must say `b` or `f`')
  const limit = readCount(query, 'limit', 10, 1000)
  const filter = queryFilter(query)
  const from = query.get('from')
  const to = query.get('to')
  const start = from === null || from === '' ? (direction === 'b' ? newest : oldest) : await placeOfToken(graph, roomId, from)
  const end = to === null || to === '' ? undefined : await placeOfToken(graph, roomId, to)
  const { seen, next } = await collect(tools, { roomId, userId: requester.userId, direction, limit, filter, end }, start)
  const reader = await withBundles(tools, requester, seen)
  // Whoever is not in the room learns nothing of its members that came after what they may see.
  const newestSeen = membership?.membership === 'join' ? undefined : seen.at(direction === 'b' ? 0 : -1)?.event.stateGroup
  const lazy = await sendersText(graph, roomId, seen, filter, reader.now, newestSeen)
  return {
    body:
      `{"start":"${from === null || from === '' ? encodePlace(start) : from}"${next === undefined ? '' : `,"end":"${encodePlace(next)}"`}` +
      `,"chunk":[${seen.map((one) => clientEventText(one, reader)).join(',')}]${lazy === undefined ? '' : `,"state":[${lazy}]`}}`,
  }
}

type Wanted = {
  readonly roomId: RoomId
  readonly userId: `@${string}`
  readonly direction: 'b' | 'f'
  readonly limit: number
  readonly filter: EventFilter | undefined
  readonly end: Place | undefined
}

/** Reads pages until there are enough events that the reader may see and wants, or nothing is left. `next` is where to go on. */
async function collect({ graph }: Tools, wanted: Wanted, start: Place): Promise<{ seen: Seen[]; next: Place | undefined }> {
  const seen: Seen[] = []
  let place = start
  for (let pages = 0; pages < mostPages && seen.length < wanted.limit; pages++) {
    const size = Math.max(wanted.limit - seen.length, 1)
    const filled = wanted.direction === 'f' ? 'whole' : pages < mostAsked ? await graph.fillBack(wanted.roomId, place, size) : 'more'
    const page = (await graph.page(wanted.roomId, place, wanted.direction, size)).filter((event) => !isPast(event, wanted))
    const last = page.at(-1)
    if (last === undefined) {
      // A long run of what nobody may see: behind it history goes on, now or when the reader asks again.
      if (filled === 'more' && pages + 1 < mostAsked) continue
      return { seen, next: filled === 'more' ? place : undefined }
    }
    for (const one of await graph.visible(page, wanted.userId)) {
      if (matchesFilter(wanted.filter, one.event.pdu)) seen.push(one)
    }
    place =
      wanted.direction === 'b' ? { depth: last.depth, order: last.order, ...boundOf(start) } : { depth: last.depth, order: last.order + 1 }
    const isFirst = wanted.direction === 'b' && last.pdu.type === 'm.room.create'
    if (page.length < size || isFirst) return { seen, next: filled !== 'whole' && !isFirst ? place : undefined }
  }
  return { seen, next: place }
}

function boundOf({ before }: Place): Pick<Place, 'before'> {
  return before === undefined ? {} : { before }
}

function isPast({ depth, order }: TimelineEvent, { end, direction }: Wanted): boolean {
  if (end === undefined) return false
  const difference = depth === end.depth ? order - end.order : depth - end.depth
  return direction === 'b' ? difference < 0 : difference >= 0
}
