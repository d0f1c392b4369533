import type { EventId, RoomId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import type { Select } from '../storage/database.ts'
import { selectEvents, selectLastAt } from './events.store.ts'
import type { StateEvent } from './graph.ts'
import { type Room, stateKeyOf } from './room.ts'
import {
  type StateChangeRow,
  selectChainEntries,
  selectChainEntriesWithoutMembers,
  selectChainEntry,
  selectStateChanges,
  selectStateChangesWithoutMembers,
  selectStateGroupChain,
} from './state.store.ts'
import { parsePdu } from './stored-event.ts'

type Place = { readonly key: string; readonly eventId: EventId }

/** Reads states of the past by their groups. What a group holds never changes, but that memberships may come to it: so answers are kept (bounded). */
export type PastStates = {
  readonly entry: (stateGroup: string, type: string, stateKey: string) => Promise<StateEvent | undefined>
  readonly all: (stateGroup: string) => Promise<StateEvent[]>
  /** The group and those below it, newest first. */
  readonly chain: (stateGroup: string) => Promise<readonly string[]>
  /** What is the same in `current`, a room's state in memory, is taken from there. */
  readonly withoutMembers: (stateGroup: string, current?: Room['state']) => Promise<StateEvent[]>
  /** The state of a room at a position. */
  readonly groupAt: (roomId: RoomId, position: number) => Promise<string | undefined>
  readonly changes: (roomId: RoomId, after: number, upTo: number) => Promise<StateEvent[]>
  readonly changesWithoutMembers: (roomId: RoomId, after: number, upTo: number) => Promise<StateEvent[]>
}

const mostEntries = 20_000
const mostChains = 5_000
const mostPlaces = 100_000

/** States of the past over the database; of what they hold without memberships, so many entries are kept in all. */
export function createPastStates(home: Pick<Home, 'database'>, most = mostPlaces): PastStates {
  const { select, selectOne } = home.database
  const entries = new Map<string, EventId | undefined>()
  const chains = new Map<string, readonly string[]>()
  const lists = createLists(most)

  async function chainOf(stateGroup: string): Promise<readonly string[]> {
    const known = chains.get(stateGroup)
    if (known !== undefined) return known
    const chain = (await select(selectStateGroupChain, stateGroup)).map((row) => row.state_group)
    // One that is on its way to the disk is asked for again.
    return chain.length === 0 ? chain : keep(chains, stateGroup, chain, mostChains)
  }

  const load = (eventIds: readonly string[]) => loadEvents(select, eventIds)

  async function entry(stateGroup: string, type: string, stateKey: string): Promise<StateEvent | undefined> {
    const key = `${stateGroup}\0${type}\0${stateKey}`
    if (!entries.has(key)) {
      const row = await selectOne(selectChainEntry, await chainOf(stateGroup), type, stateKey)
      if (row !== undefined || type !== 'm.room.member') keep(entries, key, row?.event_id as EventId | undefined, mostEntries)
    }
    const eventId = entries.get(key)
    return eventId === undefined ? undefined : (await load([eventId]))[0]
  }

  async function placesOf(stateGroup: string, entriesOf: typeof selectChainEntries): Promise<Place[]> {
    const newest = new Map<string, Place>()
    for (const row of await select(entriesOf, await chainOf(stateGroup))) {
      const key = stateKeyOf(row.type, row.state_key)
      if (!newest.has(key)) newest.set(key, { key, eventId: row.event_id as EventId })
    }
    return [...newest.values()]
  }

  async function withoutMembers(stateGroup: string, current?: Room['state']): Promise<StateEvent[]> {
    const places = lists.get(stateGroup) ?? lists.keep(stateGroup, await placesOf(stateGroup, selectChainEntriesWithoutMembers))
    const same: StateEvent[] = []
    const others: string[] = []
    for (const { key, eventId } of places) {
      const event = current?.get(key)
      if (event?.eventId === eventId) same.push(event)
      else others.push(eventId)
    }
    return others.length === 0 ? same : [...same, ...(await load(others))]
  }

  return {
    entry,
    all: async (stateGroup) => load((await placesOf(stateGroup, selectChainEntries)).map(({ eventId }) => eventId)),
    chain: chainOf,
    withoutMembers,
    groupAt: async (roomId, position) => {
      const last = await selectOne(selectLastAt, roomId, position)
      return last?.head_group ?? last?.state_group
    },
    changes: async (roomId, after, upTo) => newestOf(await select(selectStateChanges, roomId, after, upTo)),
    changesWithoutMembers: async (roomId, after, upTo) => newestOf(await select(selectStateChangesWithoutMembers, roomId, after, upTo)),
  }
}

/** Lists of places by their state groups, the oldest of which go once there are too many places in all. */
function createLists(most: number) {
  const lists = new Map<string, readonly Place[]>()
  let size = 0

  function drop(stateGroup: string): void {
    const list = lists.get(stateGroup)
    if (list === undefined) return
    lists.delete(stateGroup)
    size -= list.length + 1
  }

  function keep(stateGroup: string, list: readonly Place[]): readonly Place[] {
    if (list.length >= most) return list
    drop(stateGroup)
    lists.set(stateGroup, list)
    // A list is something even when it holds nothing.
    size += list.length + 1
    for (const oldest of lists.keys()) {
      if (size <= most) break
      drop(oldest)
    }
    return list
  }

  return { get: (stateGroup: string) => lists.get(stateGroup), keep }
}

async function loadEvents(select: Select, eventIds: readonly string[]): Promise<StateEvent[]> {
  const rows = await select(selectEvents, eventIds)
  return rows.map((row) => ({ eventId: row.event_id as EventId, pdu: parsePdu(row.json) }))
}

/** The last of each type and state key, as far as anything stands there still. */
function newestOf(rows: readonly StateChangeRow[]): StateEvent[] {
  const newest = new Map<string, StateEvent>()
  for (const { type, state_key, event_id, json } of rows) {
    const key = stateKeyOf(type, state_key)
    if (json === null) newest.delete(key)
    else newest.set(key, { eventId: event_id as EventId, pdu: parsePdu(json) })
  }
  return [...newest.values()]
}

/** Keeps an answer in a map of at most so many, the oldest of which goes. */
export function keep<K, V>(map: Map<K, V>, key: K, value: V, most: number): V {
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value as K)
  return value
}
