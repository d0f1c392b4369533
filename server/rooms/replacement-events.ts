import { creatorsOf, parseLevel, powerScope, userPower } from '../core/event-auth/power-levels.ts'
import type { UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import type { RoomRules } from '../core/room-versions.ts'
import type { RoomView, StateEvent, Template } from '../graph/graph.ts'

/** What the new room is to be. */
export type Replacement = {
  readonly creator: UserId
  /** The creator's own membership, as the profile has it. */
  readonly membership: JsonObject
  readonly rules: RoomRules
  readonly additionalCreators: readonly UserId[]
  /** Bans of the old room. */
  readonly banned: readonly StateEvent[]
}

/** "The recommended state events to transfer"; power levels come last, so that they hinder nothing. */
const transferred = [
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
]

/** The events of the room that replaces `old`. https://spec.matrix.org/v1.19/client-server-api/#room-upgrades */
export function replacementEvents(old: RoomView, replacement: Replacement): Template[] {
  const { creator, membership, banned } = replacement
  const state = (type: string, content: JsonObject, stateKey = ''): Template => ({ type, stateKey, sender: creator, content })
  const copied = transferred.flatMap((type) => {
    const event = old.state(type, '')
    return event === undefined ? [] : [state(type, event.pdu.content)]
  })
  const isSpace = old.state('m.room.create', '')?.pdu.content['type'] === 'm.space'
  const children = isSpace ? [...old.allState()].filter(({ pdu }) => pdu.type === 'm.space.child' && Array.isArray(pdu.content['via'])) : []
  const bans = banned.filter(({ pdu }) => pdu.state_key !== creator)
  return [
    state('m.room.create', createContent(old, replacement)),
    state('m.room.member', { ...membership, membership: 'join' }, creator),
    ...copied,
    ...children.map(({ pdu }) => state(pdu.type, pdu.content, pdu.state_key)),
    ...bans.map(({ pdu }) => state('m.room.member', banContent(pdu.content), pdu.state_key)),
    ...canonicalAlias(old).map((content) => state('m.room.canonical_alias', content)),
    state('m.room.power_levels', powerLevels(old, replacement)),
  ]
}

/** The content of the old room's canonical alias, if it has one. */
export function canonicalAlias(old: RoomView): JsonObject[] {
  const content = old.state('m.room.canonical_alias', '')?.pdu.content
  return content === undefined || Object.keys(content).length === 0 ? [] : [content]
}

/** "setting events_default and invite to the greater of 50 and users_default + 1"; undefined when they are as high already. */
export function restrictedLevels(old: RoomView): JsonObject | undefined {
  const content = old.state('m.room.power_levels', '')?.pdu.content
  if (content === undefined) return undefined
  const levelOf = (key: string) => parseLevel(content[key], old.rules) ?? 0
  const level = Math.max(50, levelOf('users_default') + 1)
  const raised = ['events_default', 'invite'].filter((key) => levelOf(key) < level)
  return raised.length === 0 ? undefined : { ...content, ...Object.fromEntries(raised.map((key) => [key, level])) }
}

function createContent(old: RoomView, { creator, rules, additionalCreators }: Replacement): JsonObject {
  const before = old.state('m.room.create', '')?.pdu.content ?? {}
  const [last] = old.extremities
  return {
    ...(before['type'] === undefined ? {} : { type: before['type'] }),
    ...(before['m.federate'] === undefined ? {} : { 'm.federate': before['m.federate'] }),
    ...(rules.creatorInContent ? { creator } : {}),
    ...(rules.privilegedCreators && additionalCreators.length > 0 ? { additional_creators: additionalCreators } : {}),
    room_version: rules.version,
    // Since version 12 the room id alone names it.
    predecessor: { room_id: old.roomId, ...(last === undefined || rules.roomIdIsCreateHash ? {} : { event_id: last }) },
  }
}

/** The old room's levels in the form of the new version: creators stand in them up to version 11, and nowhere since. */
function powerLevels(old: RoomView, { creator, rules, additionalCreators }: Replacement): JsonObject {
  const scope = powerScope((type, stateKey) => old.state(type, stateKey)?.pdu, old.rules)
  const content = asIntegers(scope.levels ?? {}, old.rules)
  const users: Record<string, Json | undefined> = { ...(isJsonObject(content['users']) ? content['users'] : {}) }
  if (!rules.privilegedCreators) {
    for (const one of creatorsOf(scope.create, old.rules)) if (userPower(scope, one as UserId) >= 100) users[one] ??= 100
    users[creator] ??= 100
    return { ...content, users }
  }
  for (const one of [creator, ...additionalCreators]) delete users[one]
  const events = { ...(isJsonObject(content['events']) ? content['events'] : {}) }
  if (!old.rules.privilegedCreators) events['m.room.tombstone'] = rules.tombstoneLevel
  return { ...content, users, events }
}

/** Old versions take levels as strings, new ones do not. */
function asIntegers(levels: JsonObject, rules: RoomRules): Record<string, Json | undefined> {
  return Object.fromEntries(
    Object.entries(levels).flatMap(([key, value]): [string, Json][] => {
      if (isJsonObject(value)) return [[key, asIntegers(value, rules) as JsonObject]]
      const level = parseLevel(value, rules)
      return level === undefined ? [] : [[key, level]]
    }),
  )
}

function banContent({ reason }: JsonObject): JsonObject {
  return { membership: 'ban', ...(typeof reason === 'string' ? { reason } : {}) }
}
