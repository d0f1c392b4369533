import { type EventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Reference } from '../core/pdu.ts'
import type { PushReader } from '../core/push-reader.ts'
import type { RoomRules } from '../core/room-versions.ts'
import type { MembershipName, Place, RoomView, StateEvent, StateText, TimelineEvent } from './graph.ts'
import type { PartialState } from './partial/partial-state.ts'
import type { UnreadCount } from './unread/unread-count.ts'

/** A link of the chain of state groups below the current one, newest first. */
export type ChainLink = { readonly stateGroup: string; readonly ordinal: number }

/**
 * A room in memory: the committed head, which every reader sees, and the drafts that are on their way to the disk, which only `append` sees.
 * Memberships are held without their events; those are loaded when a decision needs them.
 */
export type Room = {
  readonly roomId: RoomId
  readonly rules: RoomRules
  /** The compare-and-swap version of the committed head. */
  version: number
  position: number
  stateGroup: string
  chain: readonly ChainLink[]
  extremities: readonly EventId[]
  /** How the next event cites the extremities. */
  references: readonly Reference[]
  /** The state groups after the extremities; with one of them it is the room's. */
  forks: readonly string[]
  depth: number
  notifying: number
  readonly state: Map<string, StateEvent>
  readonly members: Map<UserId, { readonly membership: MembershipName; readonly eventId: EventId }>
  readonly joined: Set<UserId>
  /** How many of the joined are of each server; one more of those that are said to be in a room that is not whole. */
  readonly servers: Map<ServerName, number>
  /** Set while memberships are still on the way. */
  partial: PartialState | undefined
  readonly invited: Set<UserId>
  readonly counts: Map<MembershipName, number>
  /** Current memberships as clients get them, as far as they were asked for. */
  readonly memberTexts: Map<UserId, StateText>
  /** How long these are in all. */
  textLength: number
  /** Counts what changes memberships, redactions of them included. */
  memberChanges: number
  /** The newest events, oldest first; complete above `timelineFrom`. */
  timeline: TimelineEvent[]
  timelineFrom: number
  /** What is unread for each reader, as far as it was asked for. */
  readonly tallies: Map<UserId, Tally>
  /** Position of the newest event that may highlight somebody. */
  mentionedAt: number
  /** Position of the newest event that is in a thread, or silences another one. */
  apartAt: number
  /** Up to this position the state may have changed otherwise than its events say; see `changesItsOwn`. */
  resolvedAt: number
  readonly drafts: Draft[]
  draftHead: DraftHead | undefined
}

/** What an event makes of the current state: another event in a place, or none. */
export type StateChange = { readonly type: string; readonly stateKey: string; readonly event: StateEvent | undefined }

/** What is decided for a room and not yet durable. Void once a draft that it was decided on turned out otherwise: then it is decided again. */
export type Draft = { readonly claim: number; readonly head: DraftHead; isVoid: boolean }

/** The head of a room as it will be when all its drafts are durable. */
export type DraftHead = {
  readonly version: number
  readonly extremities: readonly EventId[]
  readonly references: readonly Reference[]
  readonly forks: readonly string[]
  readonly depth: number
  readonly notifying: number
  readonly stateGroup: string
  readonly chain: readonly ChainLink[]
  /** State that differs from the committed head's; nothing where it has an event and this has none. */
  readonly state: ReadonlyMap<string, StateEvent | undefined>
}

/** What is unread for one reader, up to a position. Moved forward as events come, made anew when something else changes. */
export type Tally = {
  readonly reader: PushReader
  upTo: number
  main: UnreadCount
  readonly threads: Map<EventId, UnreadCount>
  /** How far everything was read, the main timeline, and single threads. */
  readonly read: { readonly all: number; main: number; readonly threads: Map<EventId, number> }
}

const longestTimeline = 64

/** The key of a state event in maps. NUL stands in no type and in no state key that PostgreSQL could keep. */
export function stateKeyOf(type: string, stateKey: string): string {
  return `${type}\0${stateKey}`
}

/** A room's committed head as readers see it: live, so read it without an await in between. */
export function viewOf(room: Room): RoomView {
  return {
    roomId: room.roomId,
    version: room.rules.version,
    rules: room.rules,
    get position() {
      return room.position
    },
    get stateGroup() {
      return room.stateGroup
    },
    get extremities() {
      return room.extremities
    },
    state: (type, stateKey) => room.state.get(stateKeyOf(type, stateKey)),
    *allState() {
      for (const event of room.state.values()) if (event.pdu.type !== 'm.room.member') yield event
    },
    membership: (userId) => room.members.get(userId)?.membership,
    joined: room.joined,
    servers: room.servers,
    get isPartial() {
      return room.partial !== undefined
    },
    invited: room.invited,
    *gone() {
      for (const [userId, { membership }] of room.members) if (membership === 'leave' || membership === 'ban') yield userId
    },
    memberCount: (of) => room.counts.get(of) ?? 0,
    placeBefore: (first) => placeBefore(room, first),
    get resolvedAt() {
      return room.resolvedAt
    },
  }
}

/** Applies a committed event to the head; what it makes of the state is for `applyChanges`. */
export function applyEvent(room: Room, event: TimelineEvent, notifying: number): void {
  const { pdu } = event
  room.position = event.position ?? room.position
  room.depth = Math.max(room.depth, event.depth)
  room.notifying = notifying
  if (isJsonObject(pdu.content['m.mentions']) || pdu.type === 'm.room.tombstone') room.mentionedAt = room.position
  if (pdu.content['m.relates_to'] !== undefined || pdu.type === 'm.room.redaction') room.apartAt = room.position
  room.timeline.push(event)
  if (room.timeline.length > longestTimeline * 2) {
    room.timeline = room.timeline.slice(-longestTimeline)
    room.timelineFrom = (room.timeline[0]?.position ?? room.position) - 1
  }
}

/** Takes what a decision made of the head, once its events are durable. */
export function takeHead(room: Room, { version, stateGroup, chain, extremities, references, forks }: DraftHead): void {
  Object.assign(room, { version, stateGroup, chain, extremities, references, forks })
}

/** Events of (after, upTo] that memory holds, at most `limit`, oldest first; undefined when it does not reach back far enough to know. */
export function arrivedInMemory(
  { timeline, timelineFrom }: Room,
  after: number,
  upTo: number,
  limit: number,
): { events: TimelineEvent[]; limited: boolean } | undefined {
  const events = timeline.filter(({ position = 0 }) => position > after && position <= upTo)
  if (after < timelineFrom && events.length <= limit) return undefined
  return { events: limit === 0 ? [] : events.slice(-limit), limited: events.length > limit }
}

/** Before an event that came from further up than what had arrived already lies what had arrived. */
function placeBefore({ timeline }: Room, first: TimelineEvent): Place {
  const { depth, order, position } = first
  const earlier = timeline[timeline.findIndex(({ eventId }) => eventId === first.eventId) - 1]
  if (earlier === undefined || earlier.depth < depth || position === undefined) return { depth, order }
  return { depth: earlier.depth, order: earlier.order + 1, before: position }
}

/** Takes back into memory what was just read of a room's past: all its events of (from, upTo], oldest first. */
export function recall(room: Room, events: readonly TimelineEvent[], from: number, upTo: number): void {
  const older = events.filter(({ position = 0 }) => position <= room.timelineFrom)
  if (upTo < room.timelineFrom || from >= room.timelineFrom || older.length + room.timeline.length > longestTimeline) return
  room.timeline = [...older, ...room.timeline]
  room.timelineFrom = from
}

/** The state group after the last event at or before a position, if memory holds that event. */
export function groupInMemory(room: Room | undefined, position: number): string | undefined {
  return room?.timeline.findLast((event) => (event.position ?? Number.POSITIVE_INFINITY) <= position)?.headGroup
}

/** Applies committed changes of the current state to the head. */
export function applyChanges(room: Room, changes: readonly StateChange[]): void {
  for (const { type, stateKey, event } of changes) {
    const key = stateKeyOf(type, stateKey)
    if (event === undefined) room.state.delete(key)
    else room.state.set(key, event)
    if (type !== 'm.room.member') continue
    if (event === undefined) dropMember(room, stateKey as UserId)
    else setMember(room, stateKey as UserId, event.pdu.content['membership'] as MembershipName, event.eventId)
  }
}

/** Applies committed changes of memberships, whose events are loaded when they are needed. */
export function applyMembers(room: Room, changes: readonly StateChange[]): void {
  for (const { type, stateKey, event } of changes) {
    room.state.delete(stateKeyOf(type, stateKey))
    if (event === undefined) dropMember(room, stateKey as UserId)
    else setMember(room, stateKey as UserId, event.pdu.content['membership'] as MembershipName, event.eventId)
  }
}

function dropMember(room: Room, userId: UserId): void {
  const before = room.members.get(userId)?.membership
  if (before === undefined) return
  room.members.delete(userId)
  forgetText(room, userId)
  room.counts.set(before, (room.counts.get(before) ?? 1) - 1)
  if (before === 'join') countServer(room, serverNameOf(userId), -1)
  room.joined.delete(userId)
  room.invited.delete(userId)
}

/** Notes what is missing of a room, or that nothing is any more. */
export function setPartial(room: Room, partial: PartialState | undefined): void {
  for (const server of room.partial?.servers ?? []) countServer(room, server, -1)
  room.partial = partial
  for (const server of partial?.servers ?? []) countServer(room, server, 1)
}

/** Sets a member in the room's indexes. */
export function setMember(room: Room, userId: UserId, membership: MembershipName, eventId: EventId): void {
  const before = room.members.get(userId)?.membership
  room.members.set(userId, { membership, eventId })
  forgetText(room, userId)
  if (before === membership) return
  if (before !== undefined) room.counts.set(before, (room.counts.get(before) ?? 1) - 1)
  room.counts.set(membership, (room.counts.get(membership) ?? 0) + 1)
  if (before === 'join') countServer(room, serverNameOf(userId), -1)
  if (membership === 'join') countServer(room, serverNameOf(userId), 1)
  setIn(room.joined, userId, membership === 'join')
  setIn(room.invited, userId, membership === 'invite')
}

function countServer({ servers }: Room, server: ServerName, by: 1 | -1): void {
  const count = (servers.get(server) ?? 0) + by
  if (count > 0) servers.set(server, count)
  else servers.delete(server)
}

function forgetText(room: Room, userId: UserId): void {
  dropText(room, userId)
  room.memberChanges++
}

/** Keeps the text of a current membership. */
export function keepText(room: Room, userId: UserId, text: StateText): void {
  dropText(room, userId)
  room.memberTexts.set(userId, text)
  room.textLength += text.open.length + text.profile.length
}

function dropText(room: Room, userId: UserId): void {
  const text = room.memberTexts.get(userId)
  if (text === undefined) return
  room.memberTexts.delete(userId)
  room.textLength -= text.open.length + text.profile.length
}

/** Lets go of the texts of all memberships. */
export function dropTexts(room: Room): void {
  room.memberTexts.clear()
  room.textLength = 0
}

function setIn(set: Set<UserId>, userId: UserId, is: boolean): void {
  if (is) set.add(userId)
  else set.delete(userId)
}

/** Puts a redaction's effect into what memory holds of its target. */
export function applyRedaction(room: Room, target: TimelineEvent): void {
  // Of two redactions of one event the first counts, as it does on disk.
  const isTarget = ({ eventId, redactedBy }: TimelineEvent) => eventId === target.eventId && redactedBy === undefined
  room.timeline = room.timeline.map((event) => (isTarget(event) ? target : event))
  applyForm(room, target)
}

/** Puts what is known of an event now into the places where memory holds it. */
export function applyForm(room: Room, { eventId, pdu }: StateEvent): void {
  const { type, content, state_key: stateKey } = pdu
  room.timeline = room.timeline.map((event) => (event.replaces === eventId ? { ...event, replacedContent: content } : event))
  if (stateKey === undefined) return
  if (room.members.get(stateKey as UserId)?.eventId === eventId) forgetText(room, stateKey as UserId)
  const key = stateKeyOf(type, stateKey)
  if (room.state.get(key)?.eventId === eventId) room.state.set(key, { eventId, pdu })
}
