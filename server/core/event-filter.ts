import { compileGlob } from './glob.ts'
import { isRoomId, isUserId, type RoomId, type UserId } from './ids.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { badJson } from './matrix-error.ts'

/** Which events a client wants to see. https://spec.matrix.org/v1.19/client-server-api/#filtering */
export type EventFilter = {
  readonly limit?: number
  readonly types?: readonly string[]
  readonly not_types?: readonly string[]
  readonly senders?: readonly UserId[]
  readonly not_senders?: readonly UserId[]
  readonly rooms?: readonly RoomId[]
  readonly not_rooms?: readonly RoomId[]
  readonly contains_url?: boolean
  readonly lazy_load_members?: boolean
  readonly include_redundant_members?: boolean
  readonly unread_thread_notifications?: boolean
}

export type RoomFilter = {
  readonly rooms?: readonly RoomId[]
  readonly not_rooms?: readonly RoomId[]
  readonly include_leave?: boolean
  readonly state?: EventFilter
  readonly timeline?: EventFilter
  readonly ephemeral?: EventFilter
  readonly account_data?: EventFilter
}

/** A filter for `/sync`, as a client stores it. */
export type Filter = {
  readonly event_fields?: readonly string[]
  readonly event_format?: 'client' | 'federation'
  readonly presence?: EventFilter
  readonly account_data?: EventFilter
  readonly room?: RoomFilter
}

/** What a filter looks at. What isn't an event of a room has no room, and some things have no sender. */
export type Filtered = { readonly type: string; readonly sender?: string; readonly room_id?: string; readonly content?: JsonObject }

const isString = (value: unknown): boolean => typeof value === 'string'
const isBoolean = (value: unknown): boolean => typeof value === 'boolean'
const isLimit = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const listOf = (is: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(is)

type Shape = Readonly<Record<string, (value: Json, path: string) => boolean>>

const eventFilterShape: Shape = {
  limit: isLimit,
  types: listOf(isString),
  not_types: listOf(isString),
  senders: listOf(isUserId),
  not_senders: listOf(isUserId),
  rooms: listOf(isRoomId),
  not_rooms: listOf(isRoomId),
  contains_url: isBoolean,
  lazy_load_members: isBoolean,
  include_redundant_members: isBoolean,
  unread_thread_notifications: isBoolean,
}
const isEventFilter = objectOf(eventFilterShape)
const roomFilterShape: Shape = {
  rooms: listOf(isRoomId),
  not_rooms: listOf(isRoomId),
  include_leave: isBoolean,
  state: isEventFilter,
  timeline: isEventFilter,
  ephemeral: isEventFilter,
  account_data: isEventFilter,
}
const isFilter = objectOf({
  event_fields: listOf(isString),
  event_format: (value) => value === 'client' || value === 'federation',
  presence: isEventFilter,
  account_data: isEventFilter,
  room: objectOf(roomFilterShape),
})

/** Reads a filter for `/sync`; throws `M_BAD_JSON` that names the first part which is wrong. Unknown parts are ignored. */
export function parseFilter(json: Json): Filter {
  isFilter(json, 'filter')
  return json as Filter
}

/** Reads a filter for the events of one request (`/messages`, `/context`, …); throws `M_BAD_JSON`. */
export function parseEventFilter(json: Json): EventFilter {
  isEventFilter(json, 'filter')
  return json as EventFilter
}

/** Whether a filter lets an event through; without a filter, everything passes. */
export function matchesFilter(filter: EventFilter | undefined, event: Filtered): boolean {
  return filter === undefined || compile(filter)(event)
}

/** Whether a filter lets a room through: by its own lists of rooms. */
export function matchesRoom(filter: Pick<EventFilter, 'rooms' | 'not_rooms'> | undefined, roomId: RoomId): boolean {
  return filter === undefined || (!filter.not_rooms?.includes(roomId) && (filter.rooms?.includes(roomId) ?? true))
}

/** Checks an object part by part; throws at the first that is wrong, so that an inner path is named, not an outer one. */
function objectOf(shape: Shape): (value: Json, path: string) => boolean {
  return (value, path) => {
    if (!isJsonObject(value)) throw badJson(`${path} is not an object`)
    for (const [key, is] of Object.entries(shape)) {
      const part = Object.hasOwn(value, key) ? value[key] : undefined
      if (part !== undefined && !is(part, `${path}.${key}`)) throw badJson(`${path}.${key} has a wrong value`)
    }
    return true
  }
}

type Matcher = (event: Filtered) => boolean
const compiled = new WeakMap<EventFilter, Matcher>()

function compile(filter: EventFilter): Matcher {
  const known = compiled.get(filter)
  if (known !== undefined) return known
  const matchesType = gate(filter.types && anyGlob(filter.types), filter.not_types && anyGlob(filter.not_types))
  const matchesSender = gate(filter.senders && oneOf(filter.senders), filter.not_senders && oneOf(filter.not_senders))
  const matchesRoomId = gate(filter.rooms && oneOf(filter.rooms), filter.not_rooms && oneOf(filter.not_rooms))
  const { contains_url: url } = filter
  const matcher: Matcher = ({ type, sender, room_id, content }) =>
    matchesType(type) &&
    matchesSender(sender ?? '') &&
    (room_id === undefined || matchesRoomId(room_id)) &&
    (url === undefined || (content?.['url'] !== undefined) === url)
  compiled.set(filter, matcher)
  return matcher
}

/** "A matching type will be excluded even if it is listed in the `types` filter", and so for senders and rooms. */
function gate(wanted: ((text: string) => boolean) | undefined, unwanted: ((text: string) => boolean) | undefined) {
  return (text: string) => !unwanted?.(text) && (wanted?.(text) ?? true)
}

function oneOf(names: readonly string[]): (text: string) => boolean {
  const set = new Set(names)
  return (text) => set.has(text)
}

function anyGlob(patterns: readonly string[]): (text: string) => boolean {
  const literal = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  // Only * is a wildcard in filters; a ? stands for itself.
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => compileGlob(pattern, { onlyStar: true }))
  return (text) => literal.has(text) || wild.some((glob) => glob(text))
}
