import { isUserId } from '../ids.ts'
import { isJsonObject, type Json, type JsonObject, SpelledNumber } from '../json.ts'
import type { Pdu } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { allow, refuse, type Verdict } from '../verdict.ts'
import type { AuthScope } from './auth-scope.ts'
import { creatorsOf, parseLevel, userPower } from './power-levels.ts'

const scalarLevels = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const

/** Rule "If type is `m.room.power_levels`". */
export function checkPowerLevels(scope: AuthScope): Verdict {
  const { event, rules, create, power } = scope
  const next = event.content
  const wrong = wrongPowerLevels(next, rules, create)
  if (wrong !== undefined) return refuse(wrong)
  // If there is no previous m.room.power_levels event in the room, allow.
  if (power.levels === undefined) return allow
  return checkChanges(scope, power.levels, next)
}

/** What is wrong with power levels whoever sets them; undefined when nothing is. */
export function wrongPowerLevels(content: JsonObject, rules: RoomRules, create: Pdu | undefined): string | undefined {
  return (
    wrongScalars(content, rules) ??
    wrongMaps(content, rules) ??
    wrongUsers(content['users'], rules) ??
    namedCreators(content, rules, create)
  )
}

function namedCreators({ users }: JsonObject, rules: RoomRules, create: Pdu | undefined): string | undefined {
  // If the users property in content contains the sender of the m.room.create event or any of the additional_creators array (if
  // present) from the content of the m.room.create event, reject. (since version 12)
  if (!rules.privilegedCreators || !isJsonObject(users)) return undefined
  const isNamed = creatorsOf(create, rules).some((creator) => Object.hasOwn(users, creator))
  return isNamed ? 'creators have no power level of their own' : undefined
}

function wrongScalars(content: JsonObject, rules: RoomRules): string | undefined {
  // If any of the properties users_default, events_default, state_default, ban, redact, kick, or invite in content are present and not
  // an integer, reject. (since version 10)
  if (!rules.integerPowerLevels) return wrongFloats(content, rules)
  const wrong = scalarLevels.find((name) => content[name] !== undefined && parseLevel(content[name], rules) === undefined)
  return wrong && `${wrong} is not an integer`
}

function wrongFloats(content: JsonObject, rules: RoomRules): string | undefined {
  // Values outside the range represented by IEE754 binary64 (a "double") cause the powerlevel event to be rejected, as do Infinity,
  // -Infinity and NaN. (until version 5) https://spec.matrix.org/v1.19/rooms/v5/#deprecated-event-content-schemas
  if (rules.strictJson) return undefined
  const isTooLarge = (level: Json | undefined) => isNumeric(level) && parseLevel(level, rules) === undefined
  const wrong = scalarLevels.find((name) => isTooLarge(content[name]))
  if (wrong !== undefined) return `${wrong} is out of range`
  const map = (['events', 'notifications'] as const).find((name) => {
    const levels = content[name]
    return isJsonObject(levels) && Object.values(levels).some(isTooLarge)
  })
  return map && `${map} holds a level that is out of range`
}

function isNumeric(level: Json | undefined): boolean {
  return typeof level === 'number' || typeof level === 'bigint' || level instanceof SpelledNumber
}

function wrongMaps(content: JsonObject, rules: RoomRules): string | undefined {
  // If either of the properties events or notifications in content are present and not an object with values that are integers,
  // reject. (since version 10)
  if (!rules.integerPowerLevels) return undefined
  const wrong = ['events', 'notifications'].find((name) => content[name] !== undefined && !isMapOfLevels(content[name], rules))
  return wrong && `${wrong} is not a map of integers`
}

function wrongUsers(users: Json | undefined, rules: RoomRules): string | undefined {
  // If the users property in content is not an object with keys that are valid user IDs with values that are integers (or, until
  // version 9, a string that is an integer), reject.
  if (users === undefined) return undefined
  return isMapOfLevels(users, rules) && Object.keys(users).every(isUserId) ? undefined : 'users is not a map of user ids to integers'
}

function isMapOfLevels(map: Json | undefined, rules: RoomRules): map is JsonObject {
  return isJsonObject(map) && Object.values(map).every((level) => parseLevel(level, rules) !== undefined)
}

function checkChanges({ event, rules, power }: AuthScope, current: JsonObject, next: JsonObject): Verdict {
  const senderPower = userPower(power, event.sender)
  // For the properties users_default, events_default, state_default, ban, redact, kick, invite check if they were added, changed or
  // removed. For each found alteration:
  for (const change of changes(pick(current, scalarLevels), pick(next, scalarLevels), rules)) {
    // If the current value is higher than the sender's current power level, reject.
    // If the new value is higher than the sender's current power level, reject.
    if (isAbove(change.from, senderPower) || isAbove(change.to, senderPower)) return tooPowerful(change.key)
  }
  for (const name of rules.guardNotifications ? ['events', 'notifications'] : ['events']) {
    for (const change of changes(current[name], next[name], rules)) {
      // For each entry being changed in, or removed from, the events or notifications properties: If the current value is greater than
      // the sender's current power level, reject.
      // For each entry being added to, or changed in, the events or notifications properties: If the new value is greater than the
      // sender's current power level, reject.
      if (isAbove(change.from, senderPower) || isAbove(change.to, senderPower)) return tooPowerful(`${name} of ${change.key}`)
    }
  }
  for (const change of changes(current['users'], next['users'], rules)) {
    // For each entry being changed in, or removed from, the users property, other than the sender's own entry: If the current value is
    // greater than or equal to the sender's current power level, reject.
    const isOwn = change.key === event.sender
    if (!isOwn && change.from !== undefined && change.from >= senderPower) return tooPowerful(`the level of ${change.key}`)
    // For each entry being added to, or changed in, the users property: If the new value is greater than the sender's current power
    // level, reject.
    if (isAbove(change.to, senderPower)) return tooPowerful(`the level of ${change.key}`)
  }
  // Otherwise, allow.
  return allow
}

type Change = { key: string; from: number | undefined; to: number | undefined }

function* changes(current: Json | undefined, next: Json | undefined, rules: RoomRules): Generator<Change> {
  const before = isJsonObject(current) ? current : {}
  const after = isJsonObject(next) ? next : {}
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const from = Object.hasOwn(before, key) ? parseLevel(before[key], rules) : undefined
    const to = Object.hasOwn(after, key) ? parseLevel(after[key], rules) : undefined
    if (from !== to) yield { key, from, to }
  }
}

function pick(content: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, content[name]]))
}

function isAbove(level: number | undefined, senderPower: number): boolean {
  return level !== undefined && level > senderPower
}

function tooPowerful(what: string): Verdict {
  return refuse(`the sender has not the power to change ${what}`)
}
