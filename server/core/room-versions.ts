/** The twelve room versions as data, each a spread of the one before. https://spec.matrix.org/v1.19/rooms/ */

/** What a redaction leaves of an event. */
export type RedactionRules = {
  /** Top-level keys that stay. */
  keys: ReadonlySet<string>
  /** Keys of `content` that stay, by event type; `true` keeps all of it. */
  content: Readonly<Record<string, readonly string[] | true>>
  /** Whether `content.third_party_invite.signed` of a membership event stays. */
  keepsThirdPartySigned: boolean
}

export type RoomRules = {
  version: string
  /** Where an event's id comes from: the event itself, or its reference hash in standard or URL-safe base64. */
  eventIds: 'wire' | 'base64' | 'base64url'
  stateResolution: 'v1' | 'v2' | 'v2.1'
  /** Signing keys must be valid at `origin_server_ts`. */
  enforceKeyValidity: boolean
  /** Events must be canonical JSON: no floats, integers within ±(2^53-1), also the depth. */
  strictJson: boolean
  /** `m.room.aliases` has an auth rule of its own. */
  aliasesRule: boolean
  /** `m.room.redaction` has an auth rule of its own. */
  redactionRule: boolean
  /** `notifications` of `m.room.power_levels` is guarded as `events` is. */
  guardNotifications: boolean
  knock: boolean
  restrictedJoin: boolean
  knockRestricted: boolean
  /** Power levels must be integers; before, strings that hold one will do. */
  integerPowerLevels: boolean
  /** The creator stands in `content.creator` (and must) or is the sender of the create event. */
  creatorInContent: boolean
  /** `redacts` stands in the content of `m.room.redaction`, not beside it. */
  redactsInContent: boolean
  /** Whether the limit of 255 holds for bytes or, as it was once implemented, for code points. */
  idLimit: 'bytes' | 'codepoints'
  /** The room id is the create event's id with `!`; that event has no room id and stands in no `auth_events`. */
  roomIdIsCreateHash: boolean
  /** Creators have infinite power, may be several, and stand in no power levels. */
  privilegedCreators: boolean
  /** The level for `m.room.tombstone` that the server gives a new room. */
  tombstoneLevel: number
  redaction: RedactionRules
}

const keptBeforeV11 =
  'event_id type room_id sender state_key content hashes signatures depth prev_events prev_state auth_events origin origin_server_ts membership'
const keptSinceV11 = 'event_id type room_id sender state_key content hashes signatures depth prev_events auth_events origin_server_ts'
const keptLevels = ['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default'] as const

const v1: RoomRules = {
  version: '1',
  eventIds: 'wire',
  stateResolution: 'v1',
  enforceKeyValidity: false,
  strictJson: false,
  aliasesRule: true,
  redactionRule: true,
  guardNotifications: false,
  knock: false,
  restrictedJoin: false,
  knockRestricted: false,
  integerPowerLevels: false,
  creatorInContent: true,
  redactsInContent: false,
  idLimit: 'codepoints',
  roomIdIsCreateHash: false,
  privilegedCreators: false,
  tombstoneLevel: 100,
  redaction: {
    keys: new Set(keptBeforeV11.split(' ')),
    content: {
      'm.room.member': ['membership'],
      'm.room.create': ['creator'],
      'm.room.join_rules': ['join_rule'],
      'm.room.power_levels': keptLevels,
      'm.room.aliases': ['aliases'],
      'm.room.history_visibility': ['history_visibility'],
    },
    keepsThirdPartySigned: false,
  },
}

const v2: RoomRules = { ...v1, version: '2', stateResolution: 'v2' }
const v3: RoomRules = { ...v2, version: '3', eventIds: 'base64', redactionRule: false }
const v4: RoomRules = { ...v3, version: '4', eventIds: 'base64url' }
const v5: RoomRules = { ...v4, version: '5', enforceKeyValidity: true }

const { 'm.room.aliases': _, ...contentWithoutAliases } = v5.redaction.content
const v6: RoomRules = {
  ...v5,
  version: '6',
  strictJson: true,
  aliasesRule: false,
  guardNotifications: true,
  redaction: { ...v5.redaction, content: contentWithoutAliases },
}

const v7: RoomRules = { ...v6, version: '7', knock: true }

const v8: RoomRules = {
  ...v7,
  version: '8',
  restrictedJoin: true,
  redaction: { ...v7.redaction, content: { ...v7.redaction.content, 'm.room.join_rules': ['join_rule', 'allow'] } },
}

const v9: RoomRules = {
  ...v8,
  version: '9',
  redaction: {
    ...v8.redaction,
    content: { ...v8.redaction.content, 'm.room.member': ['membership', 'join_authorised_via_users_server'] },
  },
}

const v10: RoomRules = { ...v9, version: '10', knockRestricted: true, integerPowerLevels: true }

const v11: RoomRules = {
  ...v10,
  version: '11',
  creatorInContent: false,
  redactsInContent: true,
  idLimit: 'bytes',
  redaction: {
    keys: new Set(keptSinceV11.split(' ')),
    content: {
      ...v10.redaction.content,
      'm.room.create': true,
      'm.room.power_levels': [...keptLevels, 'invite'],
      'm.room.redaction': ['redacts'],
    },
    keepsThirdPartySigned: true,
  },
}

const v12: RoomRules = {
  ...v11,
  version: '12',
  stateResolution: 'v2.1',
  roomIdIsCreateHash: true,
  privilegedCreators: true,
  tombstoneLevel: 150,
}

const byVersion = new Map([v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12].map((rules) => [rules.version, rules]))

/** The versions in which new rooms can be made and existing ones joined, as `m.room_versions` lists them. */
export const supportedRoomVersions: readonly string[] = [...byVersion.keys()]

/** The version of a new room that names none. */
export const defaultRoomVersion = '12'

/** The rules of a room version; undefined if it is none that Matrix knows. */
export function roomRules(version: string): RoomRules | undefined {
  return byVersion.get(version)
}
