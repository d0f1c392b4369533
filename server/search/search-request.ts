import { type EventFilter, parseEventFilter } from '../core/event-filter.ts'
import { readList, readOptionalBoolean, readOptionalObject, readOptionalText, readText } from '../core/fields.ts'
import { isRoomId, isUserId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { badJson, invalidParam } from '../core/matrix-error.ts'
import { askedNames } from '../core/search-words.ts'
import { type SearchKey, searchKeys } from './documents.ts'

export type Order = 'recent' | 'rank'
export type GroupKey = 'room_id' | 'sender'

/** Where to go on: below a document, and below one of the past; after so many results; within one group. */
export type SearchToken = {
  readonly order: Order
  readonly below: number
  readonly pastBelow: number
  readonly skip: number
  readonly room: RoomId | undefined
  readonly sender: UserId | undefined
}

export type Surroundings = { readonly before: number; readonly after: number; readonly profiles: boolean }

/** A search among events, read and checked. */
export type SearchRequest = {
  /** What all has to be found; empty when the question has no words. */
  readonly names: readonly string[]
  readonly keys: readonly SearchKey[]
  readonly filter: EventFilter
  readonly limit: number
  readonly order: Order
  readonly context: Surroundings | undefined
  readonly includeState: boolean
  readonly groupBy: readonly GroupKey[]
  readonly from: SearchToken | undefined
}

const mostNames = 20
const mostResults = 100
const mostAround = 50
const longestTerm = 4096

/** Reads the criteria for events; undefined when none are given. 400 for what is no search. https://spec.matrix.org/v1.19/client-server-api/#server-side-search */
export function readSearch(body: JsonObject, nextBatch: string | null): SearchRequest | undefined {
  const categories = body['search_categories']
  if (!isJsonObject(categories)) throw badJson('`search_categories` must be an object')
  const criteria = readOptionalObject(categories, 'room_events')
  if (criteria === undefined) return undefined
  const term = readText(criteria, 'search_term')
  if (term.length > longestTerm) throw invalidParam('`search_term` is too long')
  const filter = parseEventFilter(readOptionalObject(criteria, 'filter') ?? {})
  const order = readAmong('order_by', readOptionalText(criteria, 'order_by') ?? 'rank', ['recent', 'rank'])
  const from = nextBatch === null || nextBatch === '' ? undefined : decodeSearchToken(nextBatch)
  if (from !== undefined && from.order !== order) throw invalidParam('`next_batch` is of a search in another order')
  const keys = readList(criteria, 'keys').map((key) => readAmong('keys', key, searchKeys))
  return {
    names: askedNames(term, mostNames),
    keys: keys.length === 0 ? searchKeys : keys,
    filter,
    limit: Math.min(filter.limit ?? 10, mostResults),
    order,
    context: readContext(readOptionalObject(criteria, 'event_context')),
    includeState: readOptionalBoolean(criteria, 'include_state') ?? false,
    groupBy: readGroups(readOptionalObject(criteria, 'groupings')),
    from,
  }
}

function readContext(context: JsonObject | undefined): Surroundings | undefined {
  if (context === undefined) return undefined
  return {
    before: readAround(context, 'before_limit'),
    after: readAround(context, 'after_limit'),
    profiles: readOptionalBoolean(context, 'include_profile') ?? false,
  }
}

function readAround(context: JsonObject, key: string): number {
  const value = context[key] ?? 5
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw invalidParam(`\`${key}\` must be a whole number`)
  return Math.min(value, mostAround)
}

function readGroups(groupings: JsonObject | undefined): GroupKey[] {
  const groups = groupings === undefined ? [] : readList(groupings, 'group_by')
  const keys = groups.map((group) => {
    if (!isJsonObject(group)) throw badJson('`group_by` must be a list of objects')
    return readAmong<GroupKey>('key', readText(group, 'key'), ['room_id', 'sender'])
  })
  return [...new Set(keys)]
}

function readAmong<T extends string>(name: string, value: unknown, among: readonly T[]): T {
  const found = among.find((one) => one === value)
  if (found === undefined) throw invalidParam(`\`${name}\` must be among ${among.join(', ')}`)
  return found
}

/** Writes a place in the results as clients see it. */
export function encodeSearchToken({ order, below, pastBelow, skip, room, sender }: SearchToken): string {
  const parts = [order, below, skip, room ?? '', sender ?? '', pastBelow]
  return `f1_${Buffer.from(JSON.stringify(parts)).toString('base64url')}`
}

function decodeSearchToken(text: string): SearchToken {
  const [order, below, skip, room, sender, pastBelow = 0] = partsOf(text)
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
  const isPast = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) <= 0
  if ((order !== 'recent' && order !== 'rank') || !isCount(below) || !isCount(skip) || !isPast(pastBelow))
    throw invalidParam('this is not a token of this server')
  return { order, below, pastBelow, skip, room: isRoomId(room) ? room : undefined, sender: isUserId(sender) ? sender : undefined }
}

function partsOf(text: string): unknown[] {
  try {
    const parts: unknown = text.startsWith('f1_') ? JSON.parse(Buffer.from(text.slice(3), 'base64url').toString()) : undefined
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}
