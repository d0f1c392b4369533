import { isUserId, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json } from '../core/json.ts'
import { invalidParam } from '../core/matrix-error.ts'

/** State that is meant; any type or any state key where there is none. */
export type StateElement = { readonly type: string | undefined; readonly stateKey: string | undefined }

/** The state that one list or subscription asks for. */
export type RequiredState = {
  readonly include: readonly StateElement[]
  readonly exclude: readonly StateElement[]
  /** Of the memberships only those of who is told of in the timeline, and those that are named. */
  readonly lazy: boolean
}

/** The state that is told of a room: what any of the lists and subscriptions that it matches asks for. */
export type WantedState = {
  /** The same for the same wishes. */
  readonly key: string
  readonly parts: readonly RequiredState[]
  readonly lazy: boolean
  readonly allMembers: boolean
  /** Members that are asked for by name. */
  readonly members: ReadonlySet<UserId>
  /** All that is asked for but members, by type and state key; undefined when some is not named whole. */
  readonly named: readonly (readonly [type: string, stateKey: string])[] | undefined
}

const memberType = 'm.room.member'
const mostElements = 1000
const longestName = 255

/**
 * Reads `required_state`: pairs of type and state key with `*`, `$LAZY` and `$ME`, or the later form with `include`, `exclude` and `lazy_members`.
 * Throws `M_INVALID_PARAM`. https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 */
export function readRequiredState(value: Json | undefined, me: UserId): RequiredState {
  if (value === undefined || value === null) return { include: [], exclude: [], lazy: false }
  if (isJsonObject(value)) {
    const { lazy_members: lazy = false } = value
    if (typeof lazy !== 'boolean') throw invalidParam('lazy_members is neither true nor false')
    return { include: readElements(value['include'], me), exclude: readElements(value['exclude'], me), lazy }
  }
  if (!Array.isArray(value) || value.length > mostElements) throw invalidParam('required_state is not a list of pairs')
  const pairs = value.map(readPair)
  return {
    include: pairs
      .filter(({ stateKey }) => stateKey !== '$LAZY')
      .map(({ type, stateKey }) => ({ type: type === '*' ? undefined : type, stateKey: stateKey === '*' ? undefined : own(stateKey, me) })),
    exclude: [],
    lazy: pairs.some(({ type, stateKey }) => type === memberType && stateKey === '$LAZY'),
  }
}

function readPair(pair: Json): { type: string; stateKey: string } {
  const [type, stateKey] = Array.isArray(pair) ? pair : []
  if (!isName(type) || !isName(stateKey)) throw invalidParam('required_state has something else than pairs of a type and a state key')
  return { type, stateKey }
}

function readElements(value: Json | undefined, me: UserId): StateElement[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > mostElements) throw invalidParam('required_state has something else than lists')
  return value.map((element: Json) => {
    const { type, state_key: stateKey } = isJsonObject(element) ? element : { type: null }
    const isRight = (type === undefined || isName(type)) && (stateKey === undefined || isName(stateKey))
    if (!isRight) throw invalidParam('required_state has an element that is not of a type and a state key')
    return { type, stateKey: stateKey === undefined ? undefined : own(stateKey, me) }
  })
}

function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length <= longestName
}

function own(stateKey: string, me: UserId): string {
  return stateKey === '$ME' ? me : stateKey
}

/** What is told when several ask: the superset. All members, if anyone asks for them, go before lazily loaded ones. */
export function unite(parts: readonly RequiredState[]): WantedState {
  const keys = [...new Set(parts.map((part) => JSON.stringify(part)))].sort()
  const each = keys.map((key) => JSON.parse(key) as RequiredState)
  const elements = each.flatMap(({ include }) => include)
  const allMembers = each.some((part) => part.include.some((element) => meansAllMembers(part, element)))
  const named = elements.flatMap(({ type, stateKey }) => (type === undefined || stateKey === undefined ? [] : [[type, stateKey] as const]))
  const members = elements.flatMap(({ type = memberType, stateKey }) => (type === memberType && isUserId(stateKey) ? [stateKey] : []))
  return {
    key: keys.join(),
    parts: each,
    lazy: !allMembers && each.some(({ lazy }) => lazy),
    allMembers,
    members: new Set(members),
    named: named.length === elements.length ? named.filter(([type]) => type !== memberType) : undefined,
  }
}

/** Where members are loaded lazily, `*` for all types does not mean them. */
function meansAllMembers({ lazy }: RequiredState, { type, stateKey }: StateElement): boolean {
  return stateKey === undefined && (type === memberType || (type === undefined && !lazy))
}

/** Whether an event of the state is asked for, otherwise than lazily. */
export function isWanted({ parts }: Pick<WantedState, 'parts'>, type: string, stateKey: string): boolean {
  return parts.some((part) => part.include.some((element) => means(part, element, type, stateKey)) && !isExcluded(part, type, stateKey))
}

function means(part: RequiredState, element: StateElement, type: string, stateKey: string): boolean {
  if (type === memberType && element.stateKey === undefined && !meansAllMembers(part, element)) return false
  return (element.type ?? type) === type && (element.stateKey ?? stateKey) === stateKey
}

function isExcluded({ exclude }: RequiredState, type: string, stateKey: string): boolean {
  return exclude.some((element) => (element.type ?? type) === type && (element.stateKey ?? stateKey) === stateKey)
}
