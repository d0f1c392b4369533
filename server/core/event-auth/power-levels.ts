import type { UserId } from '../ids.ts'
import { isJsonObject, type Json, type JsonObject, SpelledNumber } from '../json.ts'
import type { Pdu, ReadState } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'

/** What decides on power in a room: its rules, its create event and its power levels. */
export type PowerScope = {
  readonly rules: RoomRules
  readonly create: Pdu | undefined
  readonly levels: JsonObject | undefined
}

/** The actions that have a level of their own. */
export type PowerAction = 'invite' | 'kick' | 'ban' | 'redact'

const actionDefaults: Readonly<Record<PowerAction, number>> = { invite: 0, kick: 50, ban: 50, redact: 50 }
const stringyInteger = /^\s*[+-]?[0-9]+\s*$/

/** Gathers what decides on power at one point of a room. */
export function powerScope(readState: ReadState, rules: RoomRules): PowerScope {
  return { rules, create: readState('m.room.create', ''), levels: readState('m.room.power_levels', '')?.content }
}

/**
 * The creators of a room: `content.creator` up to version 10, the sender of the create event since, and since version 12 also those of
 * `additional_creators`.
 */
export function creatorsOf(create: Pdu | undefined, rules: RoomRules): readonly string[] {
  if (create === undefined) return []
  if (rules.creatorInContent) return typeof create.content['creator'] === 'string' ? [create.content['creator']] : []
  const additional = create.content['additional_creators']
  if (!rules.privilegedCreators || !Array.isArray(additional)) return [create.sender]
  return [create.sender, ...additional.filter((creator) => typeof creator === 'string')]
}

/** A user's power level; `Infinity` for the creators of a room of version 12 or later. */
export function userPower({ rules, create, levels }: PowerScope, userId: UserId): number {
  const isCreator = (rules.privilegedCreators || levels === undefined) && creatorsOf(create, rules).includes(userId)
  // "The power level of 'room creators' is infinitely high."
  if (isCreator && rules.privilegedCreators) return Number.POSITIVE_INFINITY
  // "If the room contains no m.room.power_levels event, the room's creator has a power level of 100, and all other users have … 0."
  if (levels === undefined) return isCreator ? 100 : 0
  return entryOf(levels['users'], userId, rules) ?? parseLevel(levels['users_default'], rules) ?? 0
}

/** The level that sending an event of a type requires. https://spec.matrix.org/v1.19/server-server-api/#definitions */
export function requiredLevel({ rules, levels }: PowerScope, type: string, isState: boolean): number {
  const fallback = isState ? 50 : 0
  if (levels === undefined) return fallback
  return entryOf(levels['events'], type, rules) ?? parseLevel(levels[isState ? 'state_default' : 'events_default'], rules) ?? fallback
}

/** The level that inviting, kicking, banning or redacting requires. */
export function actionLevel({ rules, levels }: PowerScope, action: PowerAction): number {
  return parseLevel(levels?.[action], rules) ?? actionDefaults[action]
}

/** The level that a notification of a kind (`room` for @room) requires; 50 unless the room says otherwise. */
export function notificationLevel({ rules, levels }: PowerScope, key: string): number {
  return entryOf(levels?.['notifications'], key, rules) ?? 50
}

/**
 * Reads one level: an integer, and up to version 9 a string that holds one; up to version 5 a float, cut off at its point.
 * Undefined for anything else, and for what no double can hold.
 */
export function parseLevel(value: Json | undefined, rules: RoomRules): number | undefined {
  if (value instanceof SpelledNumber) return rules.strictJson ? undefined : parseLevel(value.toJSON(), rules)
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value
    return rules.strictJson || !Number.isFinite(value) ? undefined : Math.trunc(value)
  }
  if (rules.integerPowerLevels) return undefined
  if (typeof value !== 'bigint' && !(typeof value === 'string' && stringyInteger.test(value))) return undefined
  const level = Number(value)
  return Number.isFinite(level) ? level : undefined
}

function entryOf(map: Json | undefined, key: string, rules: RoomRules): number | undefined {
  return isJsonObject(map) && Object.hasOwn(map, key) ? parseLevel(map[key], rules) : undefined
}
