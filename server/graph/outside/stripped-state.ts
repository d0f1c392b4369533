import { canonicalJson } from '../../core/canonical-json.ts'
import { isUserId, type RoomId } from '../../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { parseStored } from '../../core/lossless-json.ts'
import type { Pdu } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import type { Home } from '../../home.ts'
import type { StateEvent, Stripped } from '../graph.ts'
import { checkIncoming } from '../receive/check-incoming.ts'

/** What somebody is told of a room who is invited to it or knocks on it. */
export const strippedTypes = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const

const mostEntries = 30
const mostBytes = 48 * 1024

/** Stripped state as JSON text. */
export function strippedText({ content, sender, state_key, type }: Stripped): string {
  return `{"content":${canonicalJson(content, false)},"sender":${JSON.stringify(sender)},"state_key":${JSON.stringify(state_key)},"type":${JSON.stringify(type)}}`
}

/** What `canonicalJson` wrote of stripped state. */
export function parseStripped(bytes: Uint8Array): Stripped[] {
  return parseStored(bytes) as unknown as Stripped[]
}

export function strippedOf({ content, sender, state_key = '', type }: Pdu): Stripped {
  return { content, sender, state_key, type }
}

/** The state that goes along with an invitation or the answer to a knock: whole events. https://github.com/matrix-org/matrix-spec-proposals/pull/4311 */
export function stateToSend(state: (type: string, stateKey: string) => StateEvent | undefined, inviter?: StateEvent): Pdu[] {
  const events = [...strippedTypes.map((type) => state(type, '')), inviter]
  return events.flatMap((event) => (event === undefined ? [] : [event.pdu]))
}

/** State that another server gave: what can be shown of it, and in words what is wrong with the rest. */
export type GivenState = { readonly state: readonly Stripped[]; readonly wrong: string | undefined }

type Given = { readonly roomId: RoomId; readonly rules: RoomRules; readonly given: Json | undefined }
type Entry = { readonly stripped?: Stripped; readonly unsure?: boolean; readonly wrong?: string }

/**
 * Reads the state that came with an invitation or the answer to a knock. Its entries are events of the room, signed, a create event among them; older
 * servers give stripped state, which proves nothing and is taken all the same. Events that are not what they should be are left out in rooms that are
 * named after their create event, where `wrong` says why. In older ones they count as stripped state if `lenient` says so, since servers that are no
 * more cannot be asked for their keys. https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export async function readGivenState(
  { keyRing }: Pick<Home, 'keyRing'>,
  { roomId, rules, given }: Given,
  lenient: boolean,
): Promise<GivenState> {
  if (!Array.isArray(given)) return { state: [], wrong: 'there is no list of state events' }
  const entries = await Promise.all(given.slice(0, mostEntries).map((value) => readEntry(keyRing, roomId, rules, value)))
  const state = new Map<string, Stripped>()
  let bytes = 0
  for (const { stripped, unsure } of entries.sort((a, b) => rankOf(a) - rankOf(b))) {
    if (stripped === undefined || (unsure && (!lenient || rules.roomIdIsCreateHash))) continue
    bytes += strippedText(stripped).length
    const key = `${stripped.type}\0${stripped.state_key}`
    if (bytes <= mostBytes && !state.has(key)) state.set(key, stripped)
  }
  const wrong = entries.find((entry) => entry.wrong !== undefined)?.wrong
  const noCreate = state.has('m.room.create\0') ? undefined : 'there is no m.room.create event'
  return { state: [...state.values()], wrong: wrong ?? noCreate }
}

async function readEntry(keyRing: Home['keyRing'], roomId: RoomId, rules: RoomRules, value: Json): Promise<Entry> {
  const stripped = readStripped(value)
  if (stripped === undefined) return { wrong: 'an entry is no state event' }
  if (!isWhole(value as JsonObject)) return { stripped }
  const event = await checkIncoming(keyRing, rules, roomId, value)
  return typeof event === 'string' ? { stripped, unsure: true, wrong: event } : { stripped: strippedOf(event.pdu) }
}

/** What tells most of a room first: there is a limit to all of it. */
function rankOf({ stripped }: Entry): number {
  const rank = (strippedTypes as readonly string[]).indexOf(stripped?.type ?? '')
  return rank < 0 ? strippedTypes.length : rank
}

function isWhole(value: JsonObject): boolean {
  return value['hashes'] !== undefined || value['signatures'] !== undefined || value['auth_events'] !== undefined
}

function readStripped(value: Json): Stripped | undefined {
  if (!isJsonObject(value)) return undefined
  const { type, state_key: stateKey, sender, content } = value
  if (!isName(type) || !isName(stateKey)) return undefined
  if (!isUserId(sender) || !isJsonObject(content) || !isWritable(content)) return undefined
  return { type, state_key: stateKey, sender, content }
}

function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length <= 255 && value.isWellFormed()
}

function isWritable(content: JsonObject): boolean {
  try {
    return canonicalJson(content, false).length <= mostBytes
  } catch {
    return false
  }
}
