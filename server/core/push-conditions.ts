import { compileGlob } from './glob.ts'
import type { UserId } from './ids.ts'
import type { Json, JsonObject } from './json.ts'
import { parsePath, readPath } from './property-path.ts'

/** A condition of a push rule, as clients write it. https://spec.matrix.org/v1.19/client-server-api/#conditions-1 */
export type PushCondition = {
  readonly kind: string
  readonly key?: string
  readonly pattern?: string
  readonly is?: string
  readonly value?: Json
}

/** What a push rule may ask beside the event itself. */
export type PushContext = {
  /** Whom the rules belong to, and the name that this user bears in the room. */
  readonly userId: UserId
  readonly displayName?: string | undefined
  readonly memberCount: number
  readonly senderPower: number
  /** The power that a notification of a kind (`room`) requires of its sender. */
  readonly notificationLevel: (key: string) => number
}

/** Whether an event meets a condition. The event is in the format for clients, with its room id. */
export type Test = (event: JsonObject, context: PushContext) => boolean

const never: Test = () => false
const count = /^(==|<=|>=|<|>)?([0-9]{1,15})$/

/** Makes a condition into a test. "Unrecognised conditions MUST NOT match any events." */
export function compileCondition(condition: PushCondition): Test {
  switch (condition.kind) {
    case 'event_match':
      return matchProperty(condition)
    case 'event_property_is':
      return compareProperty(condition, (found, value) => found === value)
    case 'event_property_contains':
      return compareProperty(condition, (found, value) => Array.isArray(found) && found.includes(value))
    case 'contains_display_name':
      return containsDisplayName
    case 'room_member_count':
      return compareMemberCount(condition.is)
    case 'sender_notification_permission':
      return senderMayNotify(condition.key)
    default:
      return never
  }
}

/** The test of a content rule: its pattern stands in `content.body` as whole words. */
export function containsWords(pattern: string | undefined): Test {
  return pattern === undefined ? never : matchProperty({ kind: 'event_match', key: 'content.body', pattern })
}

function matchProperty({ key, pattern }: PushCondition): Test {
  if (typeof key !== 'string' || typeof pattern !== 'string') return never
  const path = parsePath(key)
  // As a special case, if key is content.body, then pattern must instead match any substring of the value of the property which starts
  // and ends at a word boundary.
  const glob = compileGlob(pattern, { ignoreCase: true, words: key === 'content.body' })
  return (event) => {
    const found = readPath(event, path)
    return typeof found === 'string' && glob(found)
  }
}

function compareProperty({ key, value }: PushCondition, isMet: (found: Json | undefined, value: Json) => boolean): Test {
  if (typeof key !== 'string' || value === undefined || (typeof value === 'object' && value !== null)) return never
  const path = parsePath(key)
  return (event) => isMet(readPath(event, path), value)
}

function containsDisplayName(event: JsonObject, { displayName }: PushContext): boolean {
  const body = readPath(event, ['content', 'body'])
  if (typeof body !== 'string' || !displayName) return false
  return containsLiteralWords(body.toLowerCase(), displayName.toLowerCase())
}

function containsLiteralWords(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const end = at + name.length
    if (!/[a-z0-9_]/.test(text[at - 1] ?? ' ') && !/[a-z0-9_]/.test(text[end] ?? ' ')) return true
  }
  return false
}

function compareMemberCount(is: unknown): Test {
  const parsed = typeof is === 'string' ? count.exec(is) : null
  if (parsed === null) return never
  const wanted = Number(parsed[2])
  switch (parsed[1]) {
    case '<':
      return (_, { memberCount }) => memberCount < wanted
    case '>':
      return (_, { memberCount }) => memberCount > wanted
    case '<=':
      return (_, { memberCount }) => memberCount <= wanted
    case '>=':
      return (_, { memberCount }) => memberCount >= wanted
    default:
      return (_, { memberCount }) => memberCount === wanted
  }
}

function senderMayNotify(key: unknown): Test {
  if (typeof key !== 'string') return never
  return (_, { senderPower, notificationLevel }) => senderPower >= notificationLevel(key)
}
