import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId, RoomId } from '../../core/ids.ts'
import { authorisingIdsOf, prevEventIdsOf } from '../../core/pdu.ts'
import { sortInSteps } from '../../core/state-resolution/heap.ts'
import { drive } from '../../core/state-resolution/steps.ts'
import type { Home } from '../../home.ts'
import { type Write, write } from '../../storage/database.ts'
import { ordinalOfWhole } from '../draft.ts'
import { stateKeyOf } from '../room.ts'
import { insertStateGroup } from '../state.store.ts'
import type { PastStates } from '../state-at.ts'
import { isUnder, type Judged, storeOutliers } from './auth-events.ts'
import { mostMissing, withBudget } from './budget.ts'
import type { Incoming } from './check-incoming.ts'
import { fetchAuthChain, fetchEvent, fetchEvents, fetchState, fetchStateIds, type Source } from './fetch-missing.ts'
import { depthOf, loadStored, type Stored } from './known-events.ts'
import { redactBeside } from './redactions.ts'
import type { States } from './resolve-state.ts'
import { insertGroupOfEvents, insertMissing, selectMissingAmong } from './stored.store.ts'
import { storedInPages } from './stored-in-pages.ts'
import { unknownOf } from './unknown-events.ts'

type Tools = Pick<Home, 'database' | 'peers' | 'keyRing'> & { readonly states: States; readonly past: PastStates }

/** The state before an event; `writes` are kept with it. Undefined when it cannot be learnt. */
export type Before = {
  readonly stateGroup: string
  readonly writes: readonly Write[]
  /** What it cites that was not kept aside, also over what was. */
  readonly standsOn?: readonly EventId[]
  /** Something is missing below what it cites that was kept aside. */
  readonly isOverGap?: boolean
}

const mostFetchedSingly = 20
const mostStoodOn = 100

/** The state before an event, of the states after those that it cites in `prev_events`; what nobody gave us is asked of the origin. */
export async function stateBefore(tools: Tools, source: Source, event: Incoming): Promise<Before | undefined> {
  const { roomId, rules } = source
  const { budget } = withBudget(source)
  const prevs = [...new Set(prevEventIdsOf(event.pdu))]
  const known = await loadStored(tools.database.select, prevs)
  const missing = prevs.filter((prev) => known.get(prev)?.outlier !== false)
  if (missing.length > mostMissing) return undefined
  const groups: string[] = []
  const writes: Write[] = []
  for (const prev of prevs) {
    const stored = known.get(prev)
    // Where servers name events one of another room may have come first under the name: then the origin says what the event stands on.
    if (stored !== undefined && stored.roomId !== roomId) {
      const told = rules.eventIds === 'wire' ? await stateTold(tools, { ...source, budget }, event.eventId) : undefined
      return told && { stateGroup: await keepState(tools, roomId, [...told.values()]), writes }
    }
    if (stored !== undefined && !stored.outlier) {
      groups.push(stored.stateGroup)
      continue
    }
    const group = await budget.stateAfter(prev, () => stateAfterMissing(tools, { ...source, budget }, prev))
    if (group === undefined) return undefined
    groups.push(group)
    writes.push(write(insertMissing, roomId, prev, depthOf(event.pdu)))
  }
  const [first] = groups
  // Before the event that begins a room there is nothing; any other stands on one.
  if (first === undefined)
    return event.pdu.type === 'm.room.create' ? { stateGroup: await keepState(tools, roomId, []), writes } : undefined
  const standing = { writes, ...(await standingOf(tools, roomId, prevs, known)) }
  if (groups.every((group) => group === first)) return { stateGroup: first, ...standing }
  return { stateGroup: (await tools.states.resolve(roomId, rules, groups)).stateGroup, ...standing }
}

/** What an event stands on: of those that were kept aside, what they do. */
async function standingOf(
  { database }: Pick<Tools, 'database'>,
  roomId: RoomId,
  prevs: readonly EventId[],
  known: ReadonlyMap<EventId, Stored>,
): Promise<Pick<Before, 'standsOn' | 'isOverGap'>> {
  const over = new Set<EventId>()
  for (const stored of known.values()) for (const eventId of overOf(stored)) over.add(eventId)
  const direct = prevs.filter((eventId) => !isAside(known.get(eventId)))
  const isOverGap = over.size > 0 && (await database.select(selectMissingAmong, roomId, [...over])).length > 0
  return { standsOn: [...new Set([...direct, ...over])].slice(0, mostStoodOn), isOverGap }
}

function isAside(stored: Stored | undefined): boolean {
  return stored !== undefined && !stored.outlier && (stored.standsOn !== undefined || stored.softFailed || stored.rejected)
}

function overOf(stored: Stored): readonly EventId[] {
  return isAside(stored) ? (stored.standsOn ?? prevEventIdsOf(stored.pdu)) : []
}

/** The state after an event that we do not have, as the origin has it. */
async function stateAfterMissing(tools: Tools, source: Source, eventId: EventId): Promise<string | undefined> {
  const state = await stateTold(tools, source, eventId)
  if (state === undefined) return undefined
  const event = await knownOrFetched(tools, source, eventId)
  if (event === undefined) return undefined
  // Of what did not come in time nobody knows what it would have been.
  if (source.budget?.signal().aborted) return undefined
  if (!isUnder(source.opening, source.rules, { eventId, pdu: event.pdu })) return undefined
  if (event.pdu.state_key !== undefined && !event.rejected) state.set(stateKeyOf(event.pdu.type, event.pdu.state_key), eventId)
  await redactBeside(tools, source, [...state.values()])
  return keepState(tools, source.roomId, [...state.values()])
}

/** The state before an event, as the origin has it: only events that are signed and allowed count. */
async function stateTold(tools: Tools, source: Source, eventId: EventId): Promise<Map<string, EventId> | undefined> {
  const { roomId } = source
  const ids = await fetchStateIds(tools, source, eventId)
  if (ids === undefined) return undefined
  const wanted = [...new Set([...ids.state, ...ids.authChain])]
  await fetchUnknown(tools, source, eventId, wanted)
  const state = new Map<string, EventId>()
  for await (const stored of storedInPages(tools.database.select, ids.state)) {
    const { pdu, rejected } = stored
    if (rejected || stored.roomId !== roomId || pdu.state_key === undefined || !isUnder(source.opening, source.rules, stored)) continue
    state.set(stateKeyOf(pdu.type, pdu.state_key), stored.eventId)
  }
  if (!state.has(stateKeyOf('m.room.create', '')) || source.budget?.signal().aborted) return undefined
  return state
}

/** An event beside the room: known, or given by the origin and judged by the events that it cites. */
async function knownOrFetched(tools: Tools, source: Source, eventId: EventId): Promise<Judged | undefined> {
  const stored = (await loadStored(tools.database.select, [eventId])).get(eventId)
  if (stored !== undefined) return stored
  const event = await fetchEvent(tools, source, eventId)
  if (event === undefined) return undefined
  await knowAuthEvents(tools, source, event)
  return (await storeOutliers(tools, source.rules, source.roomId, [event])).get(eventId)
}

/**
 * The events which an event cites in `auth_events`, and the create event that a room id names, asked of the origin and kept beside the room where they
 * were not here.
 */
export async function knowAuthEvents(tools: Tools, source: Source, { eventId, pdu }: Incoming): Promise<ReadonlyMap<EventId, Judged>> {
  const { rules, roomId } = source
  const ids = authorisingIdsOf(pdu, rules, roomId)
  const known = await loadStored(tools.database.select, ids)
  if (ids.every((id) => known.has(id) || id === eventId)) return known
  const chain = await fetchAuthChain(tools, source, eventId)
  const given = new Set(chain.map((event) => event.eventId))
  const missing = ids.filter((id) => !known.has(id) && !given.has(id))
  const found = await storeOutliers(tools, rules, roomId, [...chain, ...(await fetchEvents(tools, source, missing))])
  return new Map([...found, ...known])
}

async function fetchUnknown(tools: Tools, source: Source, eventId: EventId, wanted: readonly EventId[]): Promise<void> {
  const unknown = await unknownOf(tools.database.select, wanted)
  if (unknown.length === 0) return
  const events = unknown.length > mostFetchedSingly ? await fetchState(tools, source, eventId) : await fetchEvents(tools, source, unknown)
  await storeOutliers(tools, source.rules, source.roomId, events ?? [])
}

/** Stores a whole state under a name that its events give it, or under another one. */
export async function keepState(
  { database }: Pick<Tools, 'database'>,
  roomId: RoomId,
  eventIds: readonly EventId[],
  named?: string,
): Promise<string> {
  const hash = createHash('sha256').update(eventIds.length === 0 ? roomId : '')
  const sorted = await drive(sortInSteps(eventIds, compareIds), () => breathe())
  for (const [at, eventId] of sorted.entries()) hash.update(at === 0 ? eventId : `\0${eventId}`)
  const name = named ?? `=${hash.digest('base64url')}`
  await database.commit({
    writes: [write(insertStateGroup, name, roomId, ordinalOfWhole, null), write(insertGroupOfEvents, name, eventIds)],
  })
  return name
}

function compareIds(a: EventId, b: EventId): number {
  return a < b ? -1 : Number(a > b)
}
