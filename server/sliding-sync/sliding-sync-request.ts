import { readChoice, readCount, readList, readOptionalBoolean, readOptionalObject, readOptionalText } from '../core/fields.ts'
import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Call, Requester } from '../http/endpoint.ts'
import { type RequiredState, readRequiredState } from './required-state.ts'
import type { Range, RoomFilters } from './room-list.ts'

/** How much is told of a room. `key` is the same for the same required state. */
export type RoomConfig = { readonly timelineLimit: number; readonly required: RequiredState; readonly key: string }

export type ListConfig = RoomConfig & { readonly ranges: readonly Range[] | undefined; readonly filters: RoomFilters }

/** Of which rooms an extension tells: of those that these lists show, and of these subscriptions; undefined for all. */
export type Scope = { readonly lists: readonly string[] | undefined; readonly rooms: readonly string[] | undefined }

/** The extensions that are on. */
export type Extensions = {
  readonly toDevice: { readonly since: number; readonly limit: number } | undefined
  readonly e2ee: boolean
  readonly accountData: Scope | undefined
  readonly receipts: Scope | undefined
  readonly typing: Scope | undefined
}

/** A sliding sync request, read and checked. */
export type SlidingSyncRequest = {
  readonly requester: Requester
  readonly connId: string
  /** Undefined on the first request of a connection. */
  readonly pos: string | undefined
  /** Milliseconds. */
  readonly timeout: number
  /** How the user wants to be seen. */
  readonly presence: 'offline' | 'online' | 'unavailable'
  readonly lists: ReadonlyMap<string, ListConfig>
  readonly subscriptions: ReadonlyMap<RoomId, RoomConfig>
  readonly extensions: Extensions
  readonly signal: AbortSignal
}

const longestWait = 180_000
const mostLists = 100
const mostSubscriptions = 1000
const mostRanges = 100
const mostNames = 1000
const mostEvents = 100
const usualEvents = 10
const mostMessages = 100

/**
 * `pos` and `timeout` come in the query, or in the body as later drafts have it. Throws `M_INVALID_PARAM` or `M_BAD_JSON`.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 */
export function readSlidingSyncRequest({ query, body, requester, signal }: Call<'access_token'>): SlidingSyncRequest {
  const pos = query.get('pos') ?? readOptionalText(body, 'pos') ?? ''
  const connId = readOptionalText(body, 'conn_id') ?? ''
  if (connId !== '' && !isPlainText(connId)) throw invalidParam('conn_id is too long')
  return {
    requester,
    connId,
    pos: pos === '' ? undefined : pos,
    timeout: query.has('timeout') ? readCount(query, 'timeout', 0, longestWait) : Math.min(readNumber(body, 'timeout', 0), longestWait),
    presence: readChoice(query, 'set_presence', ['offline', 'online', 'unavailable']) ?? 'online',
    lists: readLists(body, requester.userId),
    subscriptions: readSubscriptions(body, requester.userId),
    extensions: readExtensions(readOptionalObject(body, 'extensions') ?? {}),
    signal,
  }
}

function readLists(body: JsonObject, me: UserId): Map<string, ListConfig> {
  const lists = Object.entries(readOptionalObject(body, 'lists') ?? {})
  if (lists.length > mostLists) throw invalidParam(`there are more than ${mostLists} lists`)
  return new Map(
    lists.map(([name, list]) => {
      if (!isPlainText(name) || !isJsonObject(list)) throw invalidParam('lists has something else than lists')
      return [name, { ...readConfig(list, me), ranges: readRanges(list), filters: readFilters(readOptionalObject(list, 'filters') ?? {}) }]
    }),
  )
}

function readSubscriptions(body: JsonObject, me: UserId): Map<RoomId, RoomConfig> {
  const subscriptions = Object.entries(readOptionalObject(body, 'room_subscriptions') ?? {})
  if (subscriptions.length > mostSubscriptions) throw invalidParam(`there are more than ${mostSubscriptions} subscriptions`)
  return new Map(
    subscriptions.map(([roomId, config]) => {
      if (!isRoomId(roomId) || !isJsonObject(config)) throw invalidParam('room_subscriptions has something else than rooms')
      return [roomId, readConfig(config, me)]
    }),
  )
}

function readConfig(config: JsonObject, me: UserId): RoomConfig {
  const required = readRequiredState(config['required_state'], me)
  const timelineLimit = Math.min(readNumber(config, 'timeline_limit', usualEvents), mostEvents)
  return { timelineLimit, required, key: JSON.stringify(required) }
}

function readRanges(list: JsonObject): Range[] | undefined {
  const { range, ranges } = list
  if (range === undefined && ranges === undefined) return undefined
  const all = range === undefined ? readList(list, 'ranges') : [range]
  if (all.length > mostRanges) throw invalidParam(`there are more than ${mostRanges} ranges`)
  return all.map((one: Json) => {
    const [first, last, more] = Array.isArray(one) ? one : []
    if (!isCount(first) || !isCount(last) || more !== undefined || first > last) {
      throw invalidParam('ranges has something else than pairs of numbers')
    }
    return [first, last]
  })
}

function readFilters(filters: JsonObject): RoomFilters {
  const isNameOrNull = (value: Json) => value === null || typeof value === 'string'
  const isName = (value: Json) => typeof value === 'string'
  return {
    isDm: readOptionalBoolean(filters, 'is_dm'),
    isEncrypted: readOptionalBoolean(filters, 'is_encrypted'),
    isInvite: readOptionalBoolean(filters, 'is_invite') ?? readOptionalBoolean(filters, 'is_invited'),
    spaces: readNames(filters, 'spaces', isName) as string[] | undefined,
    roomTypes: readNames(filters, 'room_types', isNameOrNull) as (string | null)[] | undefined,
    notRoomTypes: readNames(filters, 'not_room_types', isNameOrNull) as (string | null)[] | undefined,
    tags: readNames(filters, 'tags', isName) as string[] | undefined,
    notTags: readNames(filters, 'not_tags', isName) as string[] | undefined,
  }
}

/** A list of names; undefined when it is not there. */
function readNames(of: JsonObject, key: string, is: (value: Json) => boolean): readonly Json[] | undefined {
  if (of[key] === undefined || of[key] === null) return undefined
  const names = readList(of, key)
  if (names.length > mostNames || !names.every(is)) throw invalidParam(`${key} has a wrong value, or too many`)
  return names
}

function readExtensions(extensions: JsonObject): Extensions {
  const on = (name: string): JsonObject | undefined => {
    const extension = readOptionalObject(extensions, name)
    return extension !== undefined && readOptionalBoolean(extension, 'enabled') === true ? extension : undefined
  }
  const toDevice = on('to_device')
  return {
    toDevice: toDevice && {
      since: readSince(toDevice),
      limit: Math.max(1, Math.min(readNumber(toDevice, 'limit', mostMessages), mostMessages)),
    },
    e2ee: on('e2ee') !== undefined,
    accountData: readScope(on('account_data')),
    receipts: readScope(on('receipts')),
    typing: readScope(on('typing')),
  }
}

function readScope(extension: JsonObject | undefined): Scope | undefined {
  if (extension === undefined) return undefined
  return { lists: readScopeNames(extension, 'lists'), rooms: readScopeNames(extension, 'rooms') }
}

/** "*" names all. */
function readScopeNames(extension: JsonObject, key: string): string[] | undefined {
  const names = readNames(extension, key, (value) => typeof value === 'string') as string[] | undefined
  return names?.includes('*') ? undefined : names
}

/** How far send-to-device messages were taken: a number as text, 0 before the first. */
function readSince(toDevice: JsonObject): number {
  const since = readOptionalText(toDevice, 'since') ?? ''
  if (since !== '' && !/^\d{1,15}$/.test(since)) throw invalidParam('since is not a token of this server')
  return Number(since)
}

function readNumber(of: JsonObject, key: string, fallback: number): number {
  const value = of[key]
  if (value === undefined || value === null) return fallback
  if (!isCount(value)) throw invalidParam(`${key} is not a whole number`)
  return value
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
