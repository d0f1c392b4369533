import { parseLevel } from '../../../server/core/event-auth/power-levels.ts'
import { isUserId } from '../../../server/core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../server/core/json.ts'
import type { Pdu } from '../../../server/core/pdu.ts'
import type { RoomRules } from '../../../server/core/room-versions.ts'
import type { Verdict } from '../../../server/core/verdict.ts'
import type { Case } from './pairs.ts'

type Told = {
  readonly rules: RoomRules
  readonly pdu: Pdu
  readonly read: (type: string) => Pdu | undefined
  /** Why it is refused here; the empty text if it is not. */
  readonly here: string
  /** The same there; an exclamation mark stands before what nobody meant to say. */
  readonly there: string
}
type Explanation = { readonly words: string; readonly holds: (told: Told) => boolean }

const scalars = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const
const maps = ['users', 'events', 'notifications'] as const

/** Where Synapse judges otherwise, and the specification says why it should not, or nothing. */
const explanations: readonly Explanation[] = [
  {
    // "… has the property m.federate set to false, and the sender domain of the event does not match the sender domain of the create event, reject."
    words: 'Synapse also asks that the target of a membership be of the server that does not federate',
    holds: ({ pdu, read, here, there }) =>
      here === '' && isUnfederatable(there) && pdu.type === 'm.room.member' && read('m.room.create')?.content['m.federate'] === false,
  },
  {
    words: 'Synapse takes an m.federate that is neither true nor false for false',
    holds: ({ read, here, there }) =>
      here === '' && isUnfederatable(there) && typeof read('m.room.create')?.content['m.federate'] !== 'boolean',
  },
  {
    // Until version 2: "If the domain of the event_id of the event being redacted is the same as the domain of the event_id of the m.room.redaction,
    // allow. Otherwise, reject."
    words: 'Synapse allows a redaction of nothing',
    holds: ({ rules, pdu, here, there }) =>
      here === 'the sender may not redact this event' && there === '' && rules.redactionRule && typeof pdu.redacts !== 'string',
  },
  {
    // "If content has a join_authorised_via_users_server property: If the event is not validly signed by the homeserver of the user ID denoted by the
    // key, reject.", whatever the membership.
    words: 'Synapse asks for the signature of an authorising server for joins alone',
    holds: ({ pdu, here, there }) =>
      here.startsWith('the server of the user who authorises') && there === '' && pdu.content['membership'] !== 'join',
  },
  {
    // Of m.room.member: "The user_id this membership event relates to."
    words: 'Synapse takes any text with a colon for a user id',
    holds: ({ pdu, here, there }) =>
      there === '' &&
      ((here.startsWith('the state key of a membership') && !isUserId(pdu.state_key)) ||
        (here === 'sender is not a user id' && !isUserId(pdu.sender)) ||
        (here.startsWith('users is not a map') && Object.keys(pdu.content['users'] ?? {}).some((user) => !isUserId(user)))),
  },
  {
    // "If there is no previous m.room.power_levels event in the room, allow." It is the one that has power which counts, not one of the same state key.
    words: 'Synapse compares power levels of another state key with nothing',
    holds: ({ pdu, here, there }) =>
      here.startsWith('the sender has not the power to change') &&
      there === '' &&
      pdu.state_key !== '' &&
      pdu.type === 'm.room.power_levels',
  },
  {
    // "a single base 10 integer …, optionally prefixed with a single - or + character …, optionally with … whitespace": of other values nothing is said
    // until version 9, but that `users` must not hold them.
    words: 'until version 9 Synapse reads levels as Python reads integers, or fails on them',
    holds: ({ rules, pdu, read }) => hasOddLevels(rules, pdu) || hasOddLevels(rules, read('m.room.power_levels')),
  },
  {
    // "If any signature in signed matches any public key in the m.room.third_party_invite event, allow."
    words: 'Synapse fails on a public key that is none, and tries no other one',
    holds: ({ pdu, here, there }) => here === '' && there.startsWith('!') && pdu.content['third_party_invite'] !== undefined,
  },
  {
    // "Event IDs … $opaque_id:domain"
    words: 'Synapse takes an event id that does not begin with $',
    holds: ({ rules, pdu, here, there }) =>
      rules.eventIds === 'wire' && here.startsWith('event_id is not') && there === '' && pdu.event_id?.[0] !== '$',
  },
  {
    // "Room IDs … !opaque_id:domain"
    words: 'Synapse begins a room whose id does not begin with !',
    holds: ({ pdu, here, there }) =>
      pdu.type === 'm.room.create' && here === 'room_id is not a room id' && there === '' && pdu.room_id?.[0] !== '!',
  },
  {
    // "Must be less than the maximum value for an integer (2^63 - 1)."
    words: 'Synapse drops events deeper than 2^53-1 also where they may be',
    holds: ({ rules, pdu, here, there }) =>
      here === '' && there.includes('Depth too large') && !rules.strictJson && typeof pdu.depth === 'bigint',
  },
]

/** Why a verdict is another one than Synapse's; undefined where nothing explains it. */
export function explain(rules: RoomRules, { pdu, state }: Case, ours: Verdict, theirs: string | undefined): string | undefined {
  const read = (type: string) => state.find((one) => one.pdu.type === type && one.pdu.state_key === '')?.pdu
  const told = { rules, pdu, read, here: ours.allowed ? '' : ours.reason, there: theirs ?? '' }
  return explanations.find(({ holds }) => holds(told))?.words
}

function isUnfederatable(there: string): boolean {
  return there.includes('marked as unfederatable')
}

function hasOddLevels(rules: RoomRules, levels: Pdu | undefined): boolean {
  if (levels?.type !== 'm.room.power_levels' || rules.integerPowerLevels) return false
  const { content } = levels
  const isOdd = (value: Json | undefined) => value !== undefined && parseLevel(value, rules) === undefined
  return scalars.some((name) => isOdd(content[name])) || maps.some((name) => content[name] !== undefined && isOddMap(content[name], isOdd))
}

function isOddMap(map: Json | undefined, isOdd: (value: Json | undefined) => boolean): boolean {
  return !isJsonObject(map) || Object.values(map as JsonObject).some(isOdd)
}
