import { matchesFilter } from '../core/event-filter.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { encodeToken } from '../core/stream-token.ts'
import { clientEventText, type Reader, stateEventText } from '../graph/client-event.ts'
import type { RoomView, Seen, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import { bundlesAmong } from '../graph/relations/bundles.ts'
import { sinceGap } from '../graph/since-gap.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'
import { type EventShape, eventShape } from './event-shape.ts'
import type { RoomPiece } from './pieces.ts'
import { shared } from './shared.ts'
import { summaryText } from './summary.ts'
import type { SyncRequest } from './sync-request.ts'
import { unreadText } from './unread-text.ts'

type Joined = {
  readonly roomId: RoomId
  readonly request: SyncRequest
  readonly after: number
  readonly upTo: number
  /** Told whole: joined since, or a first sync. */
  readonly isNew: boolean
  readonly piece: RoomPiece | undefined
}

/** A stretch of a room's timeline and the state that goes with it. */
export type Stretch = {
  readonly seen: readonly Seen[]
  readonly state: readonly StateEvent[]
  readonly limited: boolean
  readonly start: string
  /** What is aggregated of the events that relate to these; none unless there is a gap, or the room is told whole. */
  readonly bundles?: ReadonlyMap<EventId, string>
}

const defaultLimit = 10
const mostEvents = 100
const mostSearched = 500

/** A joined room as JSON text; undefined when the filter leaves nothing of it. */
export async function joinedText(tools: Tools, joined: Joined): Promise<string | undefined> {
  const { roomId, request, piece, isNew } = joined
  const room = await tools.graph.room(roomId)
  // Whoever wants all members is told of the room once they are here: it is new then.
  const lazy = request.filter.room?.state?.lazy_load_members === true
  if (room === undefined || (room.isPartial && !lazy)) return undefined
  const told = isNew || request.fullState ? await tell(tools, joined, room, request.requester) : await tellMany(tools, joined, room)
  const unread = await tools.graph.unread(roomId, await tools.people.pushReader(request.requester.userId))
  const summary = told.summarised ? summaryText(room, request.requester.userId) : '{}'
  return (
    `{"timeline":${told.timeline},"${request.stateName}":{"events":${told.state}}` +
    `,"ephemeral":{"events":${JSON.stringify(piece?.ephemeral ?? [])}},"account_data":{"events":${JSON.stringify(piece?.accountData ?? [])}}` +
    `,${unreadText(unread, request.filter.room?.timeline?.unread_thread_notifications === true)},"summary":${summary}}`
  )
}

/** A stretch as JSON text, and what it depends on. */
type ToldStretch = {
  readonly timeline: string
  readonly state: string
  /** Whether the room's summary goes with it. */
  readonly summarised: boolean
  /** Whether it says something of the reader: their transaction or delay ids, or what they take part in. */
  readonly isOf: (who: Who) => boolean
}

type Who = Pick<Reader, 'session' | 'userId'>

async function tell(tools: Tools, joined: Joined, room: RoomView, who: Who): Promise<ToldStretch> {
  const whole = joined.isNew || joined.request.fullState
  const stretch = await stretchOf(tools, joined, room, whole)
  const { seen, limited } = stretch
  const shape = eventShape(joined.request.filter)
  return {
    timeline: timelineText(tools, stretch, who, shape),
    state: stateText(tools, stretch.state, shape),
    summarised: whole || limited || seen.some(({ event }) => event.pdu.type === 'm.room.member'),
    isOf: ({ session, userId }) =>
      limited ||
      seen.some(({ event }) => event.sentBy?.session === session || (event.delayId !== undefined && event.pdu.sender === userId)),
  }
}

const nobody: Who = { session: '', userId: undefined }

/** Whoever was in the room all the time sees all that came; it is told to all of them in the same words. */
async function tellMany(tools: Tools, joined: Joined, room: RoomView): Promise<ToldStretch> {
  const { roomId, after, upTo, request } = joined
  const question = `${roomId} ${after} ${upTo} ${request.stateName}`
  const told = await shared(tools.graph, request.filter, question, tools.home.clock.now(), () => tell(tools, joined, room, nobody))
  return told.isOf(request.requester) ? tell(tools, joined, room, request.requester) : told
}

/** The timeline of a stretch as JSON text; `shape` is how a filter wants events, if it does. */
export function timelineText(
  { home }: Tools,
  { seen, limited, start, bundles }: Stretch,
  { session, userId }: Who,
  shape?: EventShape,
): string {
  const reader = { session, userId, now: home.clock.now(), ...(bundles === undefined ? {} : { bundles }) }
  const texts = seen.map((one) => clientEventText(one, reader, false))
  const events = shape === undefined ? texts : texts.map((text, at) => shape(text, seen[at]!.event))
  return `{"events":[${events.join(',')}],"limited":${limited},"prev_batch":"${start}"}`
}

/** State events as a JSON list. */
export function stateText({ home }: Tools, state: readonly StateEvent[], shape?: EventShape): string {
  const now = home.clock.now()
  const texts = state.map((event) => stateEventText(event, undefined, now))
  return `[${(shape === undefined ? texts : texts.map((text, at) => shape(text, state[at]!))).join(',')}]`
}

async function stretchOf(tools: Tools, joined: Joined, room: RoomView, whole: boolean): Promise<Stretch> {
  const { request, after, upTo, isNew } = joined
  const { userId } = request.requester
  const { events, first, seen, hidden, limited: cut } = await timelineOf(tools, joined)
  const shown = first === undefined ? [] : events.slice(events.indexOf(first))
  const limited = cut || (isNew && (hidden || events.some((event) => isJoinOf(userId, event) && (event.position ?? 0) <= after)))
  const told = new Set<string>(seen.map(({ event }) => event.eventId))
  const state = await stateOf(tools, joined, room, { whole, shown, limited, told })
  return {
    seen,
    state: await wanted(tools, joined, state, seen),
    limited,
    start: first === undefined ? encodeToken(upTo) : encodePlace(room.placeBefore(first)),
    ...(whole || limited ? await bundlesOf(tools, request, seen, events) : {}),
  }
}

type Beside = {
  readonly shown: readonly TimelineEvent[]
  readonly limited: boolean
  readonly told: ReadonlySet<string>
}

/** The newest events that the filter lets through, as many as it wants: while it takes others out, those further back are looked at. */
async function timelineOf({ graph }: Tools, { roomId, request, after, upTo, isNew }: Joined) {
  const filter = request.filter.room?.timeline
  const limit = Math.min(filter?.limit ?? defaultLimit, mostEvents)
  for (let most = limit; ; most *= 4) {
    const { events, limited } = sinceGap(await graph.arrived(roomId, isNew ? 0 : after, upTo, most))
    const visible = await graph.visible(events, request.requester.userId)
    const matching = visible.filter(({ event }) => matchesFilter(filter, { ...event.pdu, room_id: roomId }))
    const isAll = !limited || matching.length === visible.length || most >= mostSearched
    if (!isAll && matching.length < limit) continue
    const seen = matching.slice(-Math.max(limit, 1))
    const isCut = seen.length < matching.length
    const first = isCut ? seen[0]?.event : visible[0]?.event
    return { events, first, seen, hidden: visible.length < events.length, limited: limited || isCut }
  }
}

/** The state that goes with a timeline; not read at all for a filter that lets none of it through. */
async function stateOf(
  tools: Tools,
  joined: Joined,
  room: RoomView,
  { whole, shown, limited, told }: Beside & { readonly whole: boolean },
): Promise<readonly StateEvent[]> {
  if (joined.request.filter.room?.state?.types?.length === 0) return []
  return whole ? wholeState(tools, joined, room, shown, told) : changedState(tools, joined, room, { shown, limited, told })
}

/** What is aggregated of those of the newest events that others of them relate to. */
export async function bundlesOf(
  { graph, home }: Tools,
  { requester: { userId, session } }: SyncRequest,
  seen: readonly Seen[],
  events: readonly TimelineEvent[],
): Promise<Pick<Stretch, 'bundles'>> {
  const ignored = () => ignoredUsers(home.database, userId)
  const bundles = await bundlesAmong(graph, seen, events, { userId, session, now: home.clock.now(), ignored })
  return bundles === undefined ? {} : { bundles }
}

/** Whether an event is a join of this user: one that is told again to somebody who came back. */
function isJoinOf(userId: UserId, { pdu }: TimelineEvent): boolean {
  return pdu.type === 'm.room.member' && pdu.state_key === userId && pdu.content['membership'] === 'join'
}

/**
 * The state before the timeline and what of the timeline's own is not told (hidden from the reader, or filtered out); or the state after it when
 * the request wants that. Lazily loaded members are added later, and are not read here.
 */
async function wholeState(
  tools: Tools,
  joined: Joined,
  room: RoomView,
  events: readonly TimelineEvent[],
  told: ReadonlySet<string>,
): Promise<readonly StateEvent[]> {
  const { graph } = tools
  const { request } = joined
  const lazy = isLazy(request)
  const first = events[0]
  const after = request.stateName !== 'state'
  const untouched = !events.some((event) => event.pdu.state_key !== undefined)
  if (first === undefined || after || untouched) return lazy ? [...room.allState()] : graph.stateOf(room.stateGroup)
  const before = first.pdu.type === 'm.room.create' ? [] : await stateBefore(tools, room, first, lazy)
  const { position = 1 } = first
  const shown = before.filter((event) => !first.gap || !told.has(first.eventId) || !isSamePlace(event, first))
  return newest([...shown, ...(await untold(tools, joined, room, { after: first.gap ? position : position - 1, shown: events, told }))])
}

/** The state before an event of the timeline. Before one with a gap stands what came with it, whatever had arrived before. */
async function stateBefore({ graph }: Tools, room: RoomView, first: TimelineEvent, lazy: boolean): Promise<readonly StateEvent[]> {
  const group = first.gap ? first.headGroup : await graph.stateGroupAt(room.roomId, (first.position ?? 1) - 1)
  return group === undefined ? [] : lazy ? graph.stateWithoutMembers(group, room.roomId) : graph.stateOf(group)
}

function isSamePlace(one: StateEvent, { pdu }: TimelineEvent): boolean {
  return one.pdu.type === pdu.type && one.pdu.state_key === pdu.state_key
}

function isLazy({ filter }: SyncRequest): boolean {
  return filter.room?.state?.lazy_load_members === true
}

/** What changed after a position and is in no event that is told: hidden from the reader, or filtered out, or what forks were resolved to. */
async function untold(
  { graph }: Tools,
  { roomId, upTo }: Joined,
  room: RoomView,
  { after, shown, told }: Pick<Beside, 'shown' | 'told'> & { readonly after: number },
): Promise<StateEvent[]> {
  const changed = room.resolvedAt > after ? await graph.stateChanges(roomId, after, upTo) : shown.filter(isState)
  return changed.filter(({ eventId }) => !told.has(eventId))
}

function isState({ pdu }: TimelineEvent): boolean {
  return pdu.state_key !== undefined
}

/**
 * What changed since the last sync: with state before the timeline, what changed before it and what the timeline does not tell of what changed since;
 * with state after the timeline, all that changed. Who wants few members asks for the others anew after a gap.
 */
async function changedState(
  { graph, ...tools }: Tools,
  joined: Joined,
  room: RoomView,
  { shown, limited, told }: Beside,
): Promise<readonly StateEvent[]> {
  const { roomId, request, after, upTo } = joined
  const changes = limited && isLazy(request) ? graph.stateChangesWithoutMembers : graph.stateChanges
  if (request.stateName !== 'state') {
    return limited || room.resolvedAt > after ? changes(roomId, after, upTo) : newest(shown.filter(isState))
  }
  const start = limited ? (shown[0]?.position ?? upTo + 1) - 1 : after
  const before = limited ? await changes(roomId, after, start) : []
  return newest([...before, ...(await untold({ graph, ...tools }, joined, room, { after: start, shown, told }))])
}

/** The last of each type and state key. */
export function newest(events: readonly StateEvent[]): StateEvent[] {
  const last = new Map<string, StateEvent>()
  for (const { eventId, pdu } of events) last.set(`${pdu.type}\0${pdu.state_key}`, { eventId, pdu })
  return [...last.values()]
}

/** State as the filter wants it: with lazy loading, of the memberships only those of the timeline's senders and one's own. */
async function wanted(
  tools: Tools,
  { roomId, request, isNew }: Joined,
  state: readonly StateEvent[],
  seen: readonly Seen[],
): Promise<readonly StateEvent[]> {
  const filter = request.filter.room?.state
  const chosen = filter === undefined ? state : state.filter(({ pdu }) => matchesFilter(filter, { ...pdu, room_id: roomId }))
  if (filter?.lazy_load_members !== true) return chosen
  const others = isNew || request.fullState ? chosen.filter(({ pdu }) => pdu.type !== 'm.room.member') : chosen
  const already = new Set(others.filter(({ pdu }) => pdu.type === 'm.room.member').map(({ pdu }) => pdu.state_key))
  const inTimeline = new Set(seen.filter(({ event }) => event.pdu.type === 'm.room.member').map(({ event }) => event.pdu.state_key))
  const needed = new Set<UserId>(seen.map(({ event }) => event.pdu.sender))
  if (isNew || request.fullState) needed.add(request.requester.userId)
  const loaded = await tools.graph.members(roomId, needed)
  const extra = [...loaded].filter(([userId, { pdu }]) => {
    const isTold = already.has(userId) || (request.stateName === 'state' && inTimeline.has(userId))
    return !isTold && matchesFilter(filter, { ...pdu, room_id: roomId })
  })
  return [...others, ...extra.map(([, event]) => event)]
}
