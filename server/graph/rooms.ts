import { referenceOf } from '../core/hashes.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { Reference } from '../core/pdu.ts'
import { roomRules } from '../core/room-versions.ts'
import type { Home } from '../home.ts'
import type { Select } from '../storage/database.ts'
import { selectRedactedBy, selectSince } from './events.store.ts'
import type { StateEvent } from './graph.ts'
import { selectMemberEvents, selectMembershipsOfRoom } from './memberships.store.ts'
import type { Memberships } from './memberships.ts'
import { selectPartialRoom } from './partial/partial.store.ts'
import { readPartialState } from './partial/partial-state.ts'
import { applyChanges, applyEvent, applyMembers, applyRedaction, type Room, setMember, setPartial, stateKeyOf } from './room.ts'
import { type RoomRow, selectExtremities, selectRoom } from './rooms.store.ts'
import { selectChangesSince, selectCurrentState, selectGroupsOf, selectStateGroupChain } from './state.store.ts'
import { eventOf, parsePdu } from './stored-event.ts'
import { selectNewestApart } from './unread/unread.store.ts'

/** The rooms in memory. A room is loaded once; the least recently used ones go when the bound is reached, never one with drafts. */
export type Rooms = {
  /** The room, loaded if need be; undefined when there is none. */
  readonly load: (roomId: RoomId) => Promise<Room | undefined>
  /** The room if it is in memory now. */
  readonly peek: (roomId: RoomId) => Room | undefined
  /** The room if it is in memory or on its way there; undefined otherwise. */
  readonly held: (roomId: RoomId) => Promise<Room | undefined> | undefined
  /** Takes a room that was just made, unless somebody has loaded it meanwhile. */
  readonly add: (room: Room) => void
  readonly loaded: () => Iterable<Room>
}

const mostMembersInMemory = 2_000_000
const costOfRoom = 200

/** Keeps rooms in memory, bounded by their size counted in members. */
export function createRooms(home: Pick<Home, 'database'>, memberships: Memberships): Rooms {
  const loaded = new Map<RoomId, Room>()
  const loading = new Map<RoomId, Promise<Room | undefined>>()
  let cost = 0

  function add(room: Room): void {
    if (loaded.has(room.roomId)) return
    loaded.set(room.roomId, room)
    cost += room.members.size + costOfRoom
    if (cost <= mostMembersInMemory) return
    for (const other of loaded.values()) {
      if (other.drafts.length > 0 || other === room) continue
      loaded.delete(other.roomId)
      cost -= other.members.size + costOfRoom
      if (cost <= mostMembersInMemory * 0.9) break
    }
  }

  async function read(roomId: RoomId): Promise<Room | undefined> {
    try {
      const room = await readRoom(home.database.select, roomId, memberships)
      if (room !== undefined) add(room)
      return loaded.get(roomId)
    } finally {
      loading.delete(roomId)
    }
  }

  return {
    load: (roomId) => {
      const room = loaded.get(roomId)
      if (room !== undefined) {
        loaded.delete(roomId)
        loaded.set(roomId, room)
        return Promise.resolve(room)
      }
      const under = loading.get(roomId) ?? read(roomId)
      loading.set(roomId, under)
      return under
    },
    peek: (roomId) => loaded.get(roomId),
    held: (roomId) => {
      const room = loaded.get(roomId)
      return room === undefined ? loading.get(roomId) : Promise.resolve(room)
    },
    add,
    loaded: () => loaded.values(),
  }
}

async function readRoom(select: Select, roomId: RoomId, memberships: Memberships): Promise<Room | undefined> {
  const partial = await readPartialState(select, roomId)
  const head = (await select(selectRoom, roomId))[0]
  const rules = head === undefined ? undefined : roomRules(head.room_version)
  if (head === undefined || rules === undefined) return undefined
  const room = emptyRoom(roomId, rules)
  readHead(room, head, await tipsOf(select, head, rules))
  for (const row of await select(selectCurrentState, roomId)) {
    const pdu = parsePdu(row.json)
    room.state.set(stateKeyOf(pdu.type, pdu.state_key ?? ''), { eventId: row.event_id as EventId, pdu })
  }
  for (const row of await select(selectMembershipsOfRoom, roomId)) {
    setMember(room, row.user_id as UserId, row.membership, row.event_id as EventId)
  }
  setPartial(room, partial)
  room.chain = await readChain(select, head.state_group)
  room.timelineFrom = head.position
  const newest = (await select(selectNewestApart, roomId, roomId))[0]
  room.mentionedAt = newest?.mentioned ?? 0
  room.apartAt = newest?.apart ?? 0
  room.resolvedAt = head.position
  await refresh(select, room, memberships)
  // The room may have been entered, or have become whole, while this was read.
  const isSame = (await isWhole(select, roomId)) === (partial === undefined)
  return isSame ? room : readRoom(select, roomId, memberships)
}

async function isWhole(select: Select, roomId: RoomId): Promise<boolean> {
  return (await select(selectPartialRoom, roomId)).length === 0
}

/** A room that holds nothing yet. */
export function emptyRoom(roomId: RoomId, rules: Room['rules']): Room {
  return {
    roomId,
    rules,
    version: 0,
    position: 0,
    stateGroup: '',
    chain: [],
    extremities: [],
    references: [],
    forks: [],
    depth: 0,
    notifying: 0,
    state: new Map(),
    members: new Map(),
    joined: new Set(),
    servers: new Map(),
    partial: undefined,
    invited: new Set(),
    counts: new Map(),
    memberTexts: new Map(),
    textLength: 0,
    memberChanges: 0,
    timeline: [],
    timelineFrom: 0,
    tallies: new Map(),
    mentionedAt: 0,
    apartAt: 0,
    resolvedAt: 0,
    drafts: [],
    draftHead: undefined,
  }
}

type Tips = { readonly forks: readonly string[]; readonly references: readonly Reference[] }

function readHead(room: Room, head: RoomRow, { forks, references }: Tips): void {
  room.version = head.version
  room.stateGroup = head.state_group
  room.extremities = extremitiesOf(head)
  room.references = references
  room.forks = forks
  room.depth = head.depth
  room.position = head.position
  room.notifying = head.notifying
}

function extremitiesOf(head: RoomRow): EventId[] {
  return JSON.parse(head.extremities) as EventId[]
}

async function tipsOf(select: Select, head: RoomRow, rules: Room['rules']): Promise<Tips> {
  return { forks: await forksOf(select, head), references: await referencesOf(select, head, rules) }
}

/** How the extremities are cited: in versions 1 and 2 that takes what they say. */
async function referencesOf(select: Select, head: RoomRow, rules: Room['rules']): Promise<Reference[]> {
  const extremities = extremitiesOf(head)
  if (rules.eventIds !== 'wire') return extremities
  const pdus = new Map((await select(selectExtremities, extremities)).map((row) => [row.event_id, parsePdu(row.json)]))
  return extremities.map((eventId) => {
    const pdu = pdus.get(eventId)
    return pdu === undefined ? eventId : referenceOf(eventId, pdu, rules)
  })
}

/** The state groups after a head's extremities; where there is one it is the head's. */
async function forksOf(select: Select, head: RoomRow): Promise<string[]> {
  const extremities = extremitiesOf(head)
  if (extremities.length === 1) return [head.state_group]
  const groups = new Map((await select(selectGroupsOf, extremities)).map((row) => [row.event_id, row.state_group]))
  return extremities.map((eventId) => groups.get(eventId) ?? head.state_group)
}

/** The chain of a state group, newest first. */
export async function readChain(select: Select, stateGroup: string): Promise<Room['chain']> {
  const rows = await select(selectStateGroupChain, stateGroup)
  return rows.map((row) => ({ stateGroup: row.state_group, ordinal: row.ordinal }))
}

/**
 * Brings a room in memory up to what is on disk, reading only what came since. Idempotent: what another call applied meanwhile is left out.
 * Drafts are not touched; their head is built anew by whoever needs it. What is in memory of its members' memberships comes along, so that nobody
 * who was just banned by another process is taken for a member.
 */
export async function refresh(select: Select, room: Room, memberships: Memberships): Promise<void> {
  const { partial: before } = room
  // Asked first: what is read after it is all that there is.
  const becameWhole = before !== undefined && (await isWhole(select, room.roomId))
  const head = (await select(selectRoom, room.roomId))[0]
  if (becameWhole && head !== undefined && head.version <= room.version) setPartial(room, undefined)
  if (head === undefined || head.version <= room.version) return
  const rows = await select(selectSince, room.roomId, room.position)
  const redactions = rows.filter((row) => row.type === 'm.room.redaction').map((row) => row.event_id)
  const redacted = redactions.length === 0 ? [] : await select(selectRedactedBy, redactions)
  const isSame = head.state_group === room.stateGroup
  const chain = isSame ? room.chain : await readChain(select, head.state_group)
  // Memberships that come later change the state of before.
  const changed = isSame && before === undefined ? [] : await select(selectChangesSince, room.roomId, room.position)
  const tips = await tipsOf(select, head, room.rules)
  if (becameWhole && head.version <= room.version) setPartial(room, undefined)
  if (head.version <= room.version) return
  const from = room.position
  for (const row of rows) {
    if (row.position === null || row.position <= room.position || row.position > head.position) continue
    applyEvent(room, eventOf(row), row.notifying)
  }
  for (const row of changed) {
    if (row.position <= from || row.position > head.position) continue
    const event = row.json === null ? undefined : { eventId: row.event_id as EventId, pdu: parsePdu(row.json) }
    const changes = [{ type: row.type, stateKey: row.state_key, event }]
    if (before !== undefined && row.type === 'm.room.member') applyMembers(room, changes)
    else applyChanges(room, changes)
    memberships.apply(room.roomId, changes, row.position)
  }
  for (const row of redacted) applyRedaction(room, eventOf(row))
  if (changed.length > 0 || rows.some((row) => row.head_group !== null)) room.resolvedAt = head.position
  readHead(room, head, tips)
  room.chain = chain
  if (becameWhole) setPartial(room, undefined)
  room.draftHead = undefined
}

/** Loads the membership events of these users into the room's state, so that a decision can read them without waiting. */
export async function need(select: Select, room: Room, memberships: Memberships, userIds: Iterable<UserId>): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const missing = [...new Set(userIds)].filter(
      (userId) => room.members.has(userId) && !room.state.has(stateKeyOf('m.room.member', userId)),
    )
    if (missing.length === 0) return
    for (const row of await select(selectMemberEvents, room.roomId, missing)) {
      const loaded: StateEvent = { eventId: row.event_id as EventId, pdu: parsePdu(row.json) }
      const current = room.members.get(row.user_id as UserId)?.eventId === row.event_id
      if (current) room.state.set(stateKeyOf('m.room.member', row.user_id), loaded)
    }
    if (missing.every((userId) => !room.state.has(stateKeyOf('m.room.member', userId)))) await refresh(select, room, memberships)
  }
}
