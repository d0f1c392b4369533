import { isUserId, type RoomAlias, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson } from '../core/matrix-error.ts'
import type { RoomRules } from '../core/room-versions.ts'
import type { Template } from '../graph/graph.ts'

export type Preset = 'private_chat' | 'trusted_private_chat' | 'public_chat'

/** What a room is to be, read and checked. */
export type NewRoom = {
  readonly version: string
  readonly rules: RoomRules
  readonly creator: UserId
  readonly profile: { readonly displayname?: string; readonly avatar_url?: string }
  readonly preset: Preset
  /** Whether the room is put into the public directory. */
  readonly isPublished: boolean
  readonly alias: RoomAlias | undefined
  readonly name: string | undefined
  readonly topic: string | undefined
  /** The membership contents of those invited. */
  readonly invited: ReadonlyMap<UserId, JsonObject>
  readonly initialState: readonly Template[]
  readonly creationContent: JsonObject
  readonly powerLevels: JsonObject
}

/** The events of a new room in the order that the specification gives; later ones of a kind take the place of those implied before. */
export function firstEvents(room: NewRoom): Template[] {
  const { creator, profile, alias, initialState } = room
  const state = (type: string, content: JsonObject, stateKey = ''): Template => ({ type, stateKey, sender: creator, content })
  const { displayname, avatar_url } = profile
  const implied = [
    // 4. An m.room.canonical_alias event if room_alias_name is given.
    ...(alias === undefined ? [] : [state('m.room.canonical_alias', { alias })]),
    // 5. Events set by the preset.
    ...presetEvents(room).map(([type, content]) => state(type, content)),
  ].filter(({ type }) => !initialState.some((event) => event.type === type && event.stateKey === ''))
  const named = [
    ...(room.name === undefined ? [] : [state('m.room.name', { name: room.name })]),
    ...(room.topic === undefined ? [] : [state('m.room.topic', topicContent(room.topic))]),
  ]
  const overridden = initialState.find((event) => event.type === 'm.room.power_levels' && event.stateKey === '')
  return [
    // 1. The m.room.create event itself.
    state('m.room.create', createContent(room)),
    // 2. An m.room.member event for the creator to join the room.
    state(
      'm.room.member',
      { membership: 'join', ...(displayname === undefined ? {} : { displayname }), ...(avatar_url === undefined ? {} : { avatar_url }) },
      creator,
    ),
    // 3. A default m.room.power_levels event, overridden by power_level_content_override.
    state('m.room.power_levels', overridden?.content ?? powerLevels(room)),
    ...implied,
    // 6. Events listed in initial_state.
    ...initialState.filter((event) => event !== overridden && !named.some(({ type }) => event.type === type && event.stateKey === '')),
    // 7. Events implied by name and topic.
    ...named,
    // 8. Invite events; users of other servers are invited once there is a room, since their servers sign too.
    ...[...room.invited]
      .filter(([userId]) => serverNameOf(userId) === serverNameOf(creator))
      .map(([userId, content]) => state('m.room.member', content, userId)),
  ]
}

function presetEvents({ preset }: NewRoom): [string, JsonObject][] {
  const isPublic = preset === 'public_chat'
  return [
    ['m.room.join_rules', { join_rule: isPublic ? 'public' : 'invite' }],
    ['m.room.history_visibility', { history_visibility: 'shared' }],
    // Without such an event guests are forbidden, as they are to be in a public room.
    ...(isPublic ? [] : [['m.room.guest_access', { guest_access: 'can_join' }] satisfies [string, JsonObject]]),
  ]
}

function createContent({ version, rules, creator, creationContent, preset, invited }: NewRoom): JsonObject {
  const { creator: _, additional_creators: asked, ...others } = creationContent
  const content = { ...others, room_version: version, ...(rules.creatorInContent ? { creator } : {}) }
  if (!rules.privilegedCreators) return asked === undefined ? content : { ...content, additional_creators: asked }
  if (asked !== undefined && !(Array.isArray(asked) && asked.every(isUserId)))
    throw badJson('`additional_creators` must be a list of user ids')
  const additional = new Set([...(Array.isArray(asked) ? asked : []), ...(preset === 'trusted_private_chat' ? invited.keys() : [])])
  return additional.size === 0 ? content : { ...content, additional_creators: [...additional] }
}

function powerLevels({ rules, creator, preset, invited, powerLevels: override }: NewRoom): JsonObject {
  const users: Record<string, number> = rules.privilegedCreators ? {} : { [creator]: 100 }
  if (preset === 'trusted_private_chat' && !rules.privilegedCreators) for (const userId of invited.keys()) users[userId] = 100
  return {
    ban: 50,
    events: {
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.encryption': 100,
      'm.room.history_visibility': 100,
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.server_acl': 100,
      'm.room.tombstone': rules.tombstoneLevel,
    },
    events_default: 0,
    invite: preset === 'public_chat' ? 50 : 0,
    kick: 50,
    notifications: { room: 50 },
    redact: 50,
    state_default: 50,
    users,
    users_default: 0,
    ...override,
  }
}

/** A topic with its plain text block. https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic }] } }
}
