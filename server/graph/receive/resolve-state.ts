import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId, RoomId } from '../../core/ids.ts'
import { authEventIdsOf } from '../../core/pdu.ts'
import type { RoomRules } from '../../core/room-versions.ts'
import { type AuthChainIndex, addToIndex, createAuthChainIndex } from '../../core/state-resolution/auth-chain-index.ts'
import { resolveStates } from '../../core/state-resolution/resolve-states.ts'
import { drive, type KnownEvent } from '../../core/state-resolution/steps.ts'
import type { Home } from '../../home.ts'
import { type Select, write } from '../../storage/database.ts'
import { groupWrites } from '../commit.ts'
import { chainWith, newGroupOf, ordinalOfWhole } from '../draft.ts'
import type { StateEvent } from '../graph.ts'
import type { ChainLink, StateChange } from '../room.ts'
import { readChain } from '../rooms.ts'
import { insertStateGroup } from '../state.store.ts'
import type { PastStates } from '../state-at.ts'
import { citedFirst } from './cited-first.ts'
import { createLayers, type Layers, type StateMap } from './layers.ts'
import { type Apart, takeApart } from './states-apart.ts'
import { insertGroupOfEvents } from './stored.store.ts'
import { storedInPages } from './stored-in-pages.ts'

/** A state group with the chain below it. */
export type Resolved = { readonly stateGroup: string; readonly chain: readonly ChainLink[] }

export type States = {
  /** The state that several states of a room come to. It is on disk when this resolves; the same states come to the same group. */
  readonly resolve: (roomId: RoomId, rules: RoomRules, stateGroups: readonly string[]) => Promise<Resolved>
  /** What differs between two states, with the events of the second. */
  readonly changes: (from: string, to: string) => Promise<readonly StateChange[]>
  readonly chain: (stateGroup: string) => Promise<readonly ChainLink[]>
  /** Memberships have come to a group. */
  readonly forget: (stateGroup: string) => void
}

const mostIndexed = 200_000
const pageSize = 500
const mostDifferences = 5000
const looksInTurn = 5000
const nowhere: StateMap = new Map()

type Tools = Pick<Home, 'database'> & { readonly past: PastStates }

/** Resolves states over the disk. What must be kept to answer quickly, which events cite which, stays in memory (bounded). */
export function createStates(tools: Tools): States {
  const { select } = tools.database
  const layered = { ...tools, layers: createLayers(tools.database) }
  const indexOf = createIndexes()
  const resolving = new Map<string, Promise<Resolved>>()
  return {
    chain: (stateGroup) => readChain(select, stateGroup),
    resolve: (roomId, rules, stateGroups) => {
      const groups = [...new Set(stateGroups)].sort()
      const name = `~${createHash('sha256').update(groups.join('\0')).digest('base64url')}`
      const question = { roomId, rules, stateGroups: groups, name }
      const under = resolving.get(name) ?? resolveNow(layered, indexOf(roomId), question).finally(() => resolving.delete(name))
      resolving.set(name, under)
      return under
    },
    changes: (from, to) => changesBetween(layered, from, to),
    forget: layered.layers.forget,
  }
}

/** The index of each room's auth chains; the least recently used go when they are too large in all. */
function createIndexes(): (roomId: RoomId) => AuthChainIndex {
  const indexes = new Map<RoomId, AuthChainIndex>()
  return (roomId) => {
    const index = indexes.get(roomId) ?? createAuthChainIndex()
    indexes.delete(roomId)
    indexes.set(roomId, index)
    let size = 0
    for (const [other, { places }] of [...indexes].reverse()) {
      size += places.size
      if (size > mostIndexed && other !== roomId) indexes.delete(other)
    }
    return index
  }
}

type Question = {
  readonly roomId: RoomId
  readonly rules: RoomRules
  readonly stateGroups: readonly string[]
  /** The group's, that the answer is stored under. */
  readonly name: string
}

async function resolveNow(tools: Tools & { readonly layers: Layers }, index: AuthChainIndex, question: Question): Promise<Resolved> {
  const { database } = tools
  const { name, rules, stateGroups } = question
  const known = await readChain(database.select, name)
  if (known.length > 0) return { stateGroup: name, chain: known }
  const apart = await takeApart(tools, stateGroups)
  await addAll(database.select, index, apart)
  const loaded = new Map<EventId, KnownEvent>()
  const resolved = await drive(
    resolveStates(apart.own, rules, (eventId) => loaded.get(eventId), index, apart.shared),
    async (wanted) => {
      await breathe()
      for await (const { eventId, pdu, rejected } of storedInPages(database.select, wanted)) loaded.set(eventId, { eventId, pdu, rejected })
    },
  )
  return keepResolved(tools, question, apart, resolved)
}

/** Puts the events of states into the index, after all that they cite. */
async function addAll(select: Select, index: AuthChainIndex, { shared, own }: Apart): Promise<void> {
  const cites = new Map<EventId, readonly EventId[]>()
  let wanted = new Set<EventId>()
  let looked = 0
  for (const list of [shared, ...own]) {
    for (const eventId of list.values()) {
      if (!index.places.has(eventId)) wanted.add(eventId)
      if (++looked % looksInTurn === 0) await breathe()
    }
  }
  while (wanted.size > 0) {
    const next = new Set<EventId>()
    for await (const { eventId, pdu } of storedInPages(select, wanted)) {
      const cited = authEventIdsOf(pdu)
      cites.set(eventId, cited)
      for (const other of cited) if (!index.places.has(other)) next.add(other)
    }
    wanted = new Set([...next].filter((eventId) => !cites.has(eventId)))
  }
  let added = 0
  // One whose cited events nobody has is added without them.
  for (const eventId of await citedFirst(cites)) {
    const cited = (cites.get(eventId) ?? []).filter((other) => index.places.has(other))
    addToIndex(index, eventId, cited)
    if (++added % pageSize === 0) await breathe()
  }
}

/** Stores a resolved state above the one of those it came from that is most like it, or whole where that holds what it does not. */
async function keepResolved(
  { database }: Tools,
  { roomId, name, stateGroups }: Question,
  { shared, own }: Apart,
  resolved: StateMap,
): Promise<Resolved> {
  const bases = own.map((state, at) => ({
    stateGroup: stateGroups[at] ?? '',
    isSameSize: state.size === resolved.size,
    changes: [...resolved].filter(([key, eventId]) => state.get(key) !== eventId),
    fits: [...state.keys()].every((key) => resolved.has(key)),
  }))
  const [base] = bases
    .filter(({ fits, changes }) => fits && changes.length <= mostDifferences)
    .sort((a, b) => a.changes.length - b.changes.length)
  if (base === undefined) {
    const writes = [
      write(insertStateGroup, name, roomId, ordinalOfWhole, null),
      write(insertGroupOfEvents, name, [...shared.values(), ...resolved.values()]),
    ]
    await database.commit({ writes })
    return { stateGroup: name, chain: [{ stateGroup: name, ordinal: ordinalOfWhole }] }
  }
  const below = await readChain(database.select, base.stateGroup)
  if (base.isSameSize && base.changes.length === 0) return { stateGroup: base.stateGroup, chain: below }
  const chain = chainWith(below, name)
  const entries = base.changes.map(([key, eventId]) => [...partsOf(key), eventId] as const)
  await database.commit({ writes: groupWrites(roomId, newGroupOf(below, chain, entries)) })
  return { stateGroup: name, chain }
}

async function changesBetween(tools: Tools & { readonly layers: Layers }, from: string, to: string): Promise<StateChange[]> {
  const { own } = await takeApart(tools, [from, to])
  const [before = nowhere, after = nowhere] = own
  const changed = [...after]
  const events = new Map<EventId, StateEvent>()
  for await (const { eventId, pdu } of storedInPages(tools.database.select, after.values())) events.set(eventId, { eventId, pdu })
  const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => [key, undefined] as const)
  return [...changed, ...gone].map(([key, eventId]) => {
    const [type, stateKey] = partsOf(key)
    return { type, stateKey, event: eventId === undefined ? undefined : events.get(eventId) }
  })
}

function partsOf(key: string): [type: string, stateKey: string] {
  const at = key.indexOf('\0')
  return [key.slice(0, at), key.slice(at + 1)]
}
