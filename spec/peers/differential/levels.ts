import { type Json, type JsonObject, SpelledNumber } from '../../../server/core/json.ts'
import { happens, type Lot, pick } from './lots.ts'

export const users = ['@alice:a.test', '@bob:b.test', '@carol:c.test', '@dave:a.test', '@erin:b.test', '@Ü:c.test'] as const
/** How odd the levels of a room are: integers, strings that hold one, or anything. */
export type Oddity = 'sane' | 'stringy' | 'odd'

const scalars = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'] as const
const types = [
  'm.room.name',
  'm.room.message',
  'm.room.power_levels',
  'm.room.redaction',
  'm.room.third_party_invite',
  'x',
  'toString',
] as const
const sane: readonly Json[] = [0, 0, 0, 25, 49, 50, 50, 51, 75, 100, 100, 100, -1, 1, 101]
const large: readonly Json[] = [2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 31, -100]
const stringy: readonly Json[] = ['0', '50', '100', ' 50 ', '+75', '-5', '00025', '\t100\n', '9007199254740993']
const odd: readonly Json[] = [
  '',
  ' ',
  'x',
  '0x10',
  '5_0',
  '٥٠',
  '1e2',
  '50.5',
  '--5',
  '+ 5',
  '5 0',
  null,
  true,
  false,
  [],
  {},
  [50],
  { 50: 50 },
]
// Only events until version 5 may hold them.
const loose: readonly Json[] = [
  50.5,
  49.99,
  -0.5,
  1e20,
  2n ** 53n + 1n,
  2n ** 63n,
  new SpelledNumber('1e400'),
  new SpelledNumber('100.0'),
] as Json[]

/** The content of power levels, drawn anew. */
export function drawLevels(random: Lot, oddity: Oddity, isLoose: boolean): JsonObject {
  const level = () => drawLevel(random, oddity, isLoose)
  const content: Record<string, Json> = {}
  for (const name of scalars) if (happens(random, 0.35)) content[name] = level()
  if (happens(random, 0.9)) content['users'] = Object.fromEntries(users.filter(() => happens(random, 0.6)).map((user) => [user, level()]))
  if (happens(random, 0.6)) content['events'] = Object.fromEntries(types.filter(() => happens(random, 0.3)).map((type) => [type, level()]))
  if (happens(random, 0.3)) content['notifications'] = { room: level() }
  if (oddity === 'odd' && happens(random, 0.1)) content[pick(random, ['users', 'events', 'notifications'])] = pick(random, odd)
  return content
}

/** The content of power levels with one to three things changed, added or taken away. */
export function changeLevels(random: Lot, before: JsonObject, oddity: Oddity, isLoose: boolean): JsonObject {
  const content: Record<string, Json> = { ...(before as Record<string, Json>) }
  const level = () => drawLevel(random, oddity, isLoose)
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const kind = random()
    if (kind < 0.3) change(random, content, pick(random, scalars), level())
    else if (kind < 0.65) changeIn(random, content, 'users', pick(random, users), level())
    else if (kind < 0.8) changeIn(random, content, 'events', pick(random, types), level())
    else if (kind < 0.9) changeIn(random, content, 'notifications', pick(random, ['room', 'x']), level())
    else if (kind < 0.95)
      changeIn(
        random,
        content,
        'users',
        pick(random, ['bob', '@bob', '@:b.test', 'bob:b.test', '@b:b.test:1', '@b:b_test', '__proto__']),
        level(),
      )
    else if (oddity === 'odd') change(random, content, pick(random, ['users', 'events', 'notifications']), pick(random, odd))
  }
  return content
}

function drawLevel(random: Lot, oddity: Oddity, isLoose: boolean): Json {
  const kind = random()
  if (kind < 0.85) return pick(random, sane)
  if (kind < 0.9) return pick(random, large)
  if (oddity === 'sane') return pick(random, sane)
  if (kind < 0.93 && isLoose) return pick(random, loose)
  return pick(random, kind < 0.97 || oddity === 'stringy' ? stringy : odd)
}

function change(random: Lot, content: Record<string, Json>, key: string, value: Json): void {
  if (happens(random, 0.3)) delete content[key]
  else Object.defineProperty(content, key, { value, configurable: true, enumerable: true, writable: true })
}

function changeIn(random: Lot, content: Record<string, Json>, name: string, key: string, value: Json): void {
  const inner = content[name]
  const isMap = typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !(inner instanceof SpelledNumber)
  const copy: Record<string, Json> = isMap ? { ...(inner as Record<string, Json>) } : {}
  change(random, copy, key, value)
  content[name] = copy
}
