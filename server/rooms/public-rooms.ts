import { readCount, readList, readOptionalBoolean, readOptionalObject, readOptionalText } from '../core/fields.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { badJson, invalidParam } from '../core/matrix-error.ts'
import type { RoomView } from '../graph/graph.ts'
import type { Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { type Directory, publishedRooms } from './published-rooms.ts'
import { isFindable, publicSummary } from './room-summary.ts'

const mostRooms = 500
const usualRooms = 100
const token = /^p1_(\d{1,9})$/

/** A page of a directory, and what is looked for there. */
export type Question = {
  readonly begin: number
  readonly limit: number
  readonly term?: string | undefined
  /** `null` stands for rooms without a type. */
  readonly types?: readonly Json[] | undefined
  readonly directory: Directory
}

/** The rooms of a directory that people can find, the largest first. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms */
export async function listRooms(
  { graph, home }: Pick<Tools, 'graph' | 'home'>,
  { begin, limit, term, types, directory }: Question,
): Promise<Reply> {
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

/** What a body asks for; 400 for what no directory understands. */
export function readQuestion(body: JsonObject): Question {
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
export function readDirectory(body: JsonObject): Directory {
  const instanceId = readOptionalText(body, 'third_party_instance_id') ?? ''
  const isAll = readOptionalBoolean(body, 'include_all_networks') ?? false
  if (isAll && instanceId !== '') throw invalidParam('ask for one network, or for all')
  if (instanceId !== '') return { of: 'network', instanceId }
  return { of: isAll ? 'all' : 'server' }
}

/** The page that a query asks for. */
export function readPage(query: URLSearchParams): Pick<Question, 'begin' | 'limit'> {
  return { begin: readSince(query.get('since')), limit: readLimit(readCount(query, 'limit', usualRooms, mostRooms)) }
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
