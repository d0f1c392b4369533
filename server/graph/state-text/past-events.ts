import type { EventId, UserId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import type { StateText } from '../graph.ts'
import { type Room, stateKeyOf } from '../room.ts'
import { selectChainEntries } from '../state.store.ts'
import type { PastStates } from '../state-at.ts'
import { selectChainMembers } from './state-text.store.ts'
import { stateTextOf } from './state-text.ts'

type Tools = Pick<Home, 'database'> & { readonly past: Pick<PastStates, 'chain' | 'entry'> }
type Entry = { readonly type: string; readonly stateKey: string; readonly eventId: EventId }
type Entries = Map<string, Entry>

/** An event of a state, with its text where memory has it. */
export type PastEvent = { readonly eventId: EventId; readonly text: StateText | undefined }

const memberType = 'm.room.member'
/** With more changes since, a whole state is read. */
const mostChanges = 2000

/** The state after an event: told from the state in memory by what differs, where that is little; read whole otherwise. */
export async function pastEvents(tools: Tools, room: Room, stateGroup: string): Promise<readonly PastEvent[]> {
  const past = await tools.past.chain(stateGroup)
  const known = await eventsByDifference(tools, room, past)
  if (known !== undefined) return known
  const entries = await entriesOf(tools, past)
  return [...entries.values()].map((entry) => ({ eventId: entry.eventId, text: textInMemory(room, entry) }))
}

/**
 * The chains of two groups of a room have their older groups in common. What stands in neither of the newer ones is the same in both states; what
 * stands only in those of the current state was, in the past, what the common ones say. Undefined when the room has moved on meanwhile.
 */
async function eventsByDifference(tools: Tools, room: Room, past: readonly string[]): Promise<PastEvent[] | undefined> {
  const { chain, stateGroup: head } = room
  const inCurrent = new Map(chain.map((link) => [link.stateGroup, link.ordinal]))
  const common = past.filter((group) => inCurrent.has(group))
  const [first] = common
  if (first === undefined || (chain[0]?.ordinal ?? 0) - (inCurrent.get(first) ?? 0) > mostChanges) return undefined
  const own = await entriesOf(tools, past.slice(0, -common.length))
  const since = await entriesOf(
    tools,
    chain.slice(0, -common.length).map((link) => link.stateGroup),
  )
  const changed = [...since].filter(([key]) => !own.has(key)).map(([, entry]) => entry)
  const before = await entriesBefore(tools, common, changed)
  if (room.stateGroup !== head) return undefined
  const events: PastEvent[] = [...own.values(), ...before].map(({ eventId }) => ({ eventId, text: undefined }))
  for (const [key, event] of room.state) {
    const isSame = event.pdu.type !== memberType && !own.has(key) && !since.has(key)
    if (isSame) events.push({ eventId: event.eventId, text: stateTextOf(event, room.roomId) })
  }
  const moved = new Set([...own.values(), ...changed].filter(({ type }) => type === memberType).map(({ stateKey }) => stateKey))
  for (const [userId, { eventId }] of room.members) {
    if (!moved.has(userId)) events.push({ eventId, text: room.memberTexts.get(userId) })
  }
  return events
}

function textInMemory(room: Room, { type, stateKey, eventId }: Entry): StateText | undefined {
  const text = type === memberType ? room.memberTexts.get(stateKey as UserId) : undefined
  return text?.eventId === eventId ? text : undefined
}

/** What stands in these groups, the newest first; the first of a key counts. */
async function entriesOf({ database }: Pick<Home, 'database'>, newestFirst: readonly string[]): Promise<Entries> {
  const entries: Entries = new Map()
  if (newestFirst.length === 0) return entries
  for (const { type, state_key: stateKey, event_id } of await database.select(selectChainEntries, newestFirst)) {
    const key = stateKeyOf(type, stateKey)
    if (!entries.has(key)) entries.set(key, { type, stateKey, eventId: event_id as EventId })
  }
  return entries
}

/** What stood under the keys of these entries, as far as something did. */
async function entriesBefore(tools: Tools, common: readonly string[], changed: readonly Entry[]): Promise<{ eventId: EventId }[]> {
  const members = changed.filter(({ type }) => type === memberType).map(({ stateKey }) => stateKey)
  const rows = members.length === 0 ? [] : await tools.database.select(selectChainMembers, common, members)
  const found = new Map<string, EventId>()
  for (const { state_key, event_id } of rows) if (!found.has(state_key)) found.set(state_key, event_id as EventId)
  const events = [...found.values()].map((eventId) => ({ eventId }))
  for (const { type, stateKey } of changed) {
    const event = type === memberType ? undefined : await tools.past.entry(common[0]!, type, stateKey)
    if (event !== undefined) events.push(event)
  }
  return events
}
