import { contentHash } from '../../../server/core/hashes.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { parseLossless } from '../../../server/core/lossless-json.ts'
import { randomNumbers } from '../../support/random-json.ts'
import { shuffle } from '../../support/random-room.ts'
import { type Entry, type Spelled, spell } from './spelling.ts'

/** A text of JSON, which claims to be an event of a room version, or nothing. */
export type Document = { readonly version: string | undefined; readonly text: string }

type Lot = () => number

const integers =
  '0 -0 1 -1 50 100 2147483648 9007199254740991 -9007199254740991 9007199254740992 -9007199254740992 9007199254740993 9223372036854775807'
    .concat(' -9223372036854775808 18446744073709551616 123456789012345678901234567890')
    .split(' ')
const floats = '0.5 -0.0 1.0 100.0 1e3 1E+3 1.5e300 5e-324 1e400 -1e400 0.10 1e-7 1e16 123456789.123456789 0.0001 1e21 0.00001'.split(' ')
const names = [
  ...'__proto__ constructor toString hasOwnProperty length 0 1 -1 01 body msgtype event_id type room_id sender content hashes'.split(' '),
  ...'membership creator join_rule allow ban events users kick redact invite aliases history_visibility redacts signed signatures unsigned'.split(
    ' ',
  ),
  ...'depth prev_events prev_state auth_events origin origin_server_ts third_party_invite join_authorised_via_users_server'.split(' '),
]
// Where UTF-16 and code points are ordered differently, where escapes begin and end, and what has no UTF-8.
const edges = [
  ...['\0', '\u0001', '\b', '\t', '\n', '\v', '\f', '\r', '\u001f', ' ', '"', '/', '\\', '\u007f', '\u0080', '\u07ff', '\u0800', '\u2028'],
  ...['\ud7ff', '\ue000', '\ufeff', '\ufffd', '\uffff', '\u{10000}', '\u{1f600}', '\u{10ffff}', 'e\u0301', 'é', 'Z', 'a', 'b', '.'],
]

/** A document drawn by lot, the same for the same seed: three of four are well-formed events of a room version. */
export function drawDocument(seed: number): Document {
  const random = randomNumbers(seed)
  if (random() < 0.25) return { version: undefined, text: spell(drawValue(random, 5), random) }
  const version = String(1 + Math.floor(random() * 12))
  const entries = drawEvent(random, version)
  const hashes: Spelled = { entries: [['sha256', drawHash(random, entries)], ...drawEntries(random, random() < 0.1 ? 1 : 0, 1)] }
  return { version, text: spell({ entries: shuffle(random, [...entries, ['hashes', hashes]]) }, random) }
}

/** In half of the events the right one, as one may write it. */
function drawHash(random: Lot, entries: readonly Entry[]): Spelled {
  if (random() < 0.5) return drawBase64(random)
  try {
    const hash = contentHash(parseLossless(spell({ entries }, random)) as JsonObject, { strictJson: false })
    return pick(random, [hash, hash, hash, `${hash}=`, hash.replaceAll('+', '-').replaceAll('/', '_'), `${hash.slice(0, -1)}A`, `${hash}A`])
  } catch {
    return ''
  }
}

function pick<T>(random: Lot, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T
}

function drawString(random: Lot): string {
  if (random() < 0.3) return pick(random, names)
  if (random() < 0.001) return pick(random, ['\ud800', '\udbffa', 'a\udc00', '\udfff\ud800'])
  const length = random() < 0.002 ? Math.floor(random() * 2000) : Math.floor(random() * 5)
  return Array.from({ length }, () => drawChar(random)).join('')
}

function drawChar(random: Lot): string {
  if (random() < 0.6) return pick(random, edges)
  const point = 32 + Math.floor(random() ** 4 * (0x10ffff - 31))
  return point >= 0xd800 && point <= 0xdfff ? '\u{10400}' : String.fromCodePoint(point)
}

function drawNumber(random: Lot): Spelled {
  const kind = random()
  if (kind < 0.4) return { number: String(Math.floor((random() - 0.3) * 200)) }
  if (kind < 0.9) return { number: String(Math.floor((random() - 0.5) * 2 ** 53)) }
  return { number: kind < 0.98 ? pick(random, integers) : pick(random, floats) }
}

function drawValue(random: Lot, depth: number): Spelled {
  const kind = random()
  if (kind < 0.15) return drawNumber(random)
  if (kind < 0.4 || depth === 0) return drawString(random)
  if (kind < 0.5) return pick(random, [true, false, null])
  if (kind < 0.502) return nest(random)
  const size = random() < 0.02 ? 40 : Math.floor(random() * 5)
  if (kind < 0.65) return Array.from({ length: size }, () => drawValue(random, depth - 1))
  return { entries: drawEntries(random, size, depth) }
}

function drawEntries(random: Lot, size: number, depth: number): Entry[] {
  const entries = Array.from({ length: size }, (): Entry => [drawString(random), drawValue(random, depth - 1)])
  // A key that stands twice: the last one counts.
  return entries.length > 0 && random() < 0.05 ? [...entries, [entries[0]![0], drawValue(random, depth - 1)]] : entries
}

/** Lists in lists. */
function nest(random: Lot): Spelled {
  let value: Spelled = []
  for (let levels = Math.floor(random() * 180); levels > 0; levels--) value = random() < 0.5 ? [value] : { entries: [['', value]] }
  return value
}

/** What the redactions of some room version look at, by type. */
const contents: Readonly<Record<string, readonly string[]>> = {
  'm.room.member': ['membership', 'join_authorised_via_users_server', 'third_party_invite', 'displayname'],
  'm.room.create': ['creator', 'room_version', 'm.federate', 'predecessor', 'additional_creators'],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.power_levels': [
    'ban',
    'events',
    'events_default',
    'invite',
    'kick',
    'notifications',
    'redact',
    'state_default',
    'users',
    'users_default',
  ],
  'm.room.aliases': ['aliases'],
  'm.room.history_visibility': ['history_visibility'],
  'm.room.redaction': ['redacts', 'reason'],
  'm.room.message': ['body'],
  'm.room.third_party_invite': ['public_key', 'public_keys'],
  __proto__x: ['constructor'],
  toString: [],
}
const besides = [
  'origin',
  'membership',
  'prev_state',
  'redacts',
  'state_key',
  'replaces_state',
  'prev_content',
  'foo',
  '__proto__',
  'constructor',
  'age',
]

function drawEvent(random: Lot, version: string): Entry[] {
  const type = pick(random, Object.keys(contents))
  const isWire = version === '1' || version === '2'
  const references = (): Spelled => Array.from({ length: Math.floor(random() * 4) }, () => drawReference(random, isWire))
  const entries: Entry[] = [
    ['type', random() < 0.95 ? type : drawString(random)],
    ['sender', `@${pick(random, ['alice', 'bob', 'é', ''])}:a.test`],
    ['content', { entries: drawContent(random, contents[type]!) }],
    ['auth_events', references()],
    ['prev_events', references()],
    ['depth', { number: String(Math.floor(random() ** 4 * 2 ** 53)) }],
    ['origin_server_ts', { number: String(Math.floor((random() - 0.1) * 2 ** 42)) }],
    ['signatures', { entries: random() < 0.5 ? [] : [['b.test', { entries: [['ed25519:x', drawBase64(random)]] }]] }],
  ]
  if (type !== 'm.room.create' || version !== '12') entries.push(['room_id', '!room:a.test'])
  if (isWire) entries.push(['event_id', `$${Math.floor(random() * 1000)}:a.test`])
  if (random() < 0.5) entries.push(['state_key', random() < 0.5 ? '' : drawString(random)])
  if (random() < 0.3) entries.push(['unsigned', { entries: drawEntries(random, 2, 2) }])
  for (const key of besides) if (key !== 'state_key' && random() < 0.1) entries.push([key, drawValue(random, 2)])
  if (random() < 0.02)
    entries.push([pick(random, ['age_ts', 'outlier', 'destinations', isWire ? 'outlier' : 'event_id']), drawString(random)])
  return entries
}

function drawContent(random: Lot, keys: readonly string[]): Entry[] {
  const entries: Entry[] = keys.filter(() => random() < 0.7).map((key) => [key, drawField(random, key)])
  return shuffle(random, [...entries, ...drawEntries(random, Math.floor(random() * 3), 3)])
}

function drawField(random: Lot, key: string): Spelled {
  if (key !== 'third_party_invite' || random() < 0.2) return drawValue(random, 3)
  return { entries: [...drawEntries(random, 1, 2), ['signed', drawValue(random, 2)]] }
}

function drawReference(random: Lot, isWire: boolean): Spelled {
  const id = `$${Math.floor(random() * 1000)}`
  return isWire ? [`${id}:a.test`, { entries: [['sha256', drawBase64(random)]] }] : id
}

function drawBase64(random: Lot): string {
  const bytes = Buffer.from(Array.from({ length: 32 }, () => Math.floor(random() * 256)))
  return random() < 0.05 ? drawString(random) : bytes.toString(random() < 0.5 ? 'base64' : 'base64url')
}
