import { eventIdParameter, readChoice, readCount, roomIdOf } from '../core/fields.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Place, Seen, TimelineEvent } from '../graph/graph.ts'
import { encodePlace, placeOfToken } from '../graph/place-token.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'

const newest: Place = { depth: Number.MAX_SAFE_INTEGER, order: Number.MAX_SAFE_INTEGER }
const oldest: Place = { depth: 0, order: Number.MIN_SAFE_INTEGER }

/** "Homeservers SHOULD traverse at least 3 levels of relationships." */
const mostLevels = 3
const mostPages = 10

/** The three operations of `relations.yaml`. */
export function relationsEndpoints(tools: Tools): Endpoint[] {
  const get = (path: string, operationId: string) =>
    endpoint({
      method: 'GET',
      path: `/_matrix/client/v1/rooms/{roomId}/relations/{eventId}${path}`,
      aliases: [`/_matrix/client/unstable/rooms/{roomId}/relations/{eventId}${path}`],
      operationId,
      auth: 'access_token',
      body: 'none',
      handle: (call) => relationsOf(tools, call),
    })
  return [
    get('', 'getRelatingEvents'),
    get('/{relType}', 'getRelatingEventsWithRelType'),
    get('/{relType}/{eventType}', 'getRelatingEventsWithRelTypeAndEventType'),
  ]
}

async function relationsOf(tools: Tools, { params, query, requester }: Call<'access_token'>): Promise<Reply> {
  const { graph, home } = tools
  const { userId, session } = requester
  const roomId = roomIdOf(params['roomId'])
  const eventId = eventIdParameter(params['eventId'])
  const direction = readChoice(query, 'dir', ['b', 'f']) ?? 'b'
  const limit = Math.max(readCount(query, 'limit', 5, 100), 1)
  const levels = readRecurse(query) ? mostLevels : 1
  await graph.visibleEvent(roomId, eventId, userId)
  const [from, to] = [query.get('from') ?? '', query.get('to') ?? '']
  const start = from === '' ? (direction === 'b' ? newest : oldest) : await placeOfToken(graph, roomId, from)
  const end = to === '' ? undefined : await placeOfToken(graph, roomId, to)
  const of = { roomId, eventId, relType: params['relType'], type: params['eventType'], levels }
  const { seen, next } = await collect(tools, userId, of, { start, end, direction, limit })
  const now = home.clock.now()
  const bundles = await graph.bundles(seen, { userId, session, now, ignored: () => ignoredUsers(home.database, userId) })
  return {
    body:
      `{"chunk":[${seen.map((one) => clientEventText(one, { session, userId, now, bundles })).join(',')}]` +
      (next === undefined ? '' : `,"next_batch":"${encodePlace(next)}"`) +
      (from === '' ? '' : `,"prev_batch":${JSON.stringify(from)}`) +
      (query.has('recurse') || query.has('org.matrix.msc3981.recurse') ? `,"recursion_depth":${levels}}` : '}'),
  }
}

type Stretch = { readonly start: Place; readonly end: Place | undefined; readonly direction: 'b' | 'f'; readonly limit: number }

/** Reads pages until there are enough that the reader may see, or nothing is left. `next` is where to go on. */
async function collect(
  { graph }: Tools,
  userId: `@${string}`,
  of: Parameters<Tools['graph']['related']>[0],
  { start, end, direction, limit }: Stretch,
): Promise<{ seen: Seen[]; next: Place | undefined }> {
  const seen: Seen[] = []
  let place = start
  for (let pages = 0; pages < mostPages && seen.length < limit; pages++) {
    const size = limit - seen.length
    const page = await graph.related(of, place, direction, size)
    const within = page.filter((event) => !isPast(event, end, direction))
    seen.push(...(await graph.visible(within, userId)))
    const last = within.at(-1)
    if (last === undefined || within.length < page.length || page.length < size) return { seen, next: undefined }
    place = { depth: last.depth, order: direction === 'b' ? last.order : last.order + 1 }
  }
  return { seen, next: place }
}

function isPast({ depth, order }: TimelineEvent, end: Place | undefined, direction: 'b' | 'f'): boolean {
  if (end === undefined) return false
  const difference = depth === end.depth ? order - end.order : depth - end.depth
  return direction === 'b' ? difference < 0 : difference >= 0
}

function readRecurse(query: URLSearchParams): boolean {
  const text = query.get('recurse') ?? query.get('org.matrix.msc3981.recurse') ?? 'false'
  if (text !== 'true' && text !== 'false') throw invalidParam('`recurse` must be true or false')
  return text === 'true'
}
