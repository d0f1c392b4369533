import { powerScope, requiredLevel, userPower } from '../core/event-auth/power-levels.ts'
import { readCount, readList, readOptionalBoolean, readOptionalObject, readOptionalText, roomIdOf } from '../core/fields.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { badJson, forbidden, invalidParam, notFound } from '../core/matrix-error.ts'
import type { RoomView } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { type Directory, isPublished, publication, publishedRooms } from './published-rooms.ts'
import { isFindable, publicSummary } from './room-summary.ts'

const mostRooms = 500
const usualRooms = 100
const token = /^p1_(\d{1,9})$/

/** The published room directory. https://spec.matrix.org/v1.19/client-server-api/#published-room-directory */
export function listPublicRooms(tools: Tools): Endpoint[] {
  const list = { path: '/_matrix/client/v3/publicRooms', aliases: ['/_matrix/client/r0/publicRooms'] }
  const one = { path: '/_matrix/client/v3/directory/list/room/{roomId}', aliases: ['/_matrix/client/r0/directory/list/room/{roomId}'] }
  return [
    endpoint({
      ...list,
      method: 'GET',
      operationId: 'getPublicRooms',
      auth: 'access_token?',
      body: 'none',
      handle: ({ query }) => {
        checkServer(tools, query)
        const limit = readLimit(readCount(query, 'limit', usualRooms, mostRooms))
        return answer(tools, { begin: readSince(query.get('since')), limit, directory: { of: 'server' } })
      },
    }),
    endpoint({
      ...list,
      method: 'POST',
      operationId: 'queryPublicRooms',
      auth: 'access_token',
      body: 'json?',
      handle: ({ query, body }) => {
        checkServer(tools, query)
        return answer(tools, readQuestion(body))
      },
    }),
    endpoint({
      ...one,
      method: 'GET',
      operationId: 'getRoomVisibilityOnDirectory',
      auth: 'access_token?',
      body: 'none',
      handle: async ({ params }) => {
        const room = await tools.graph.freshRoom(roomIdOf(params['roomId']))
        if (room === undefined) throw notFound('this server knows no such room')
        return { body: { visibility: (await isPublished(tools.home, room.roomId)) ? 'public' : 'private' } }
      },
    }),
    endpoint({
      ...one,
      method: 'PUT',
      operationId: 'setRoomVisibilityOnDirectory',
      auth: 'access_token',
      body: 'json?',
      handle: (call) => setVisibility(tools, call),
    }),
  ]
}

/** Whoever may name a room may publish it, and the server's administrators. */
async function setVisibility({ graph, home }: Tools, { params, body, requester }: Call<'access_token'>): Promise<Reply> {
  const visibility = readOptionalText(body, 'visibility') ?? 'public'
  if (visibility !== 'public' && visibility !== 'private') throw badJson('`visibility` must be public or private')
  const room = await graph.freshRoom(roomIdOf(params['roomId']))
  if (room === undefined) throw notFound('this server knows no such room')
  const scope = powerScope((type, stateKey) => room.state(type, stateKey)?.pdu, room.rules)
  const isMember = room.membership(requester.userId) === 'join'
  const mayName = isMember && userPower(scope, requester.userId) >= requiredLevel(scope, 'm.room.canonical_alias', true)
  if (!mayName && !requester.admin) throw forbidden('you may not publish this room')
  await home.database.commit({ writes: [publication(room.roomId, visibility === 'public')] })
  return { body: {} }
}

type Question = {
  readonly begin: number
  readonly limit: number
  readonly term?: string | undefined
  /** `null` stands for rooms without a type. */
  readonly types?: readonly Json[] | undefined
  readonly directory: Directory
}

async function answer({ graph, home }: Tools, { begin, limit, term, types, directory }: Question): Promise<Reply> {
  const ids = await publishedRooms(home, directory)
  const rooms: RoomView[] = []
  for (const roomId of ids) {
    const room = await graph.room(roomId)
    if (room !== undefined && isFindable(room)) rooms.push(room)
  }
  const found = rooms
    .map(publicSummary)
    .filter((room) => matchesTerm(room, term) && (types === undefined || types.includes(room['room_type'] ?? null)))
    .sort(
      (a, b) => Number(b['num_joined_members']) - Number(a['num_joined_members']) || (String(a['room_id']) < String(b['room_id']) ? -1 : 1),
    )
  const end = begin + limit
  return {
    body: {
      chunk: found.slice(begin, end),
      total_room_count_estimate: found.length,
      ...(end < found.length ? { next_batch: `p1_${end}` } : {}),
      ...(begin > 0 ? { prev_batch: `p1_${Math.max(0, begin - limit)}` } : {}),
    },
  }
}

function matchesTerm(room: JsonObject, term: string | undefined): boolean {
  if (term === undefined) return true
  return [room['name'], room['topic'], room['canonical_alias']].some(
    (text) => typeof text === 'string' && text.toLowerCase().includes(term),
  )
}

function readQuestion(body: JsonObject): Question {
  const { limit = usualRooms } = body
  if (!Number.isSafeInteger(limit)) throw badJson('`limit` must be a whole number')
  const filter = readOptionalObject(body, 'filter') ?? {}
  const types = filter['room_types'] === undefined || filter['room_types'] === null ? undefined : readList(filter, 'room_types')
  if (types?.some((type) => type !== null && typeof type !== 'string')) throw badJson('`room_types` must hold texts and null')
  const term = readOptionalText(filter, 'generic_search_term')
  return {
    begin: readSince(readOptionalText(body, 'since') ?? null),
    limit: readLimit(Math.min(Number(limit), mostRooms)),
    term: term === undefined || term === '' ? undefined : term.toLowerCase(),
    types,
    directory: readDirectory(body),
  }
}

/** "Can only be used if `include_all_networks` is false." */
function readDirectory(body: JsonObject): Directory {
  const instanceId = readOptionalText(body, 'third_party_instance_id') ?? ''
  const isAll = readOptionalBoolean(body, 'include_all_networks') ?? false
  if (isAll && instanceId !== '') throw invalidParam('ask for one network, or for all')
  if (instanceId !== '') return { of: 'network', instanceId }
  return { of: isAll ? 'all' : 'server' }
}

function readLimit(limit: number): number {
  if (limit < 0) throw invalidParam('`limit` must not be negative')
  return limit === 0 ? usualRooms : limit
}

function readSince(since: string | null): number {
  if (since === null || since === '') return 0
  const [, begin] = token.exec(since) ?? []
  if (begin === undefined) throw invalidParam('this is not a token of this server')
  return Number(begin)
}

function checkServer({ home }: Tools, query: URLSearchParams): void {
  const server = query.get('server') ?? home.serverName
  if (server !== home.serverName) throw notFound('the directories of other servers cannot be asked: this server does not federate')
}
