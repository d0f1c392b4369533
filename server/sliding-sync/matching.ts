import { type EventId, isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Graph, Membership } from '../graph/graph.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import type { AccountFacts } from './account-facts.ts'
import type { Connection } from './connections.ts'
import { unite, type WantedState } from './required-state.ts'
import { type Entry, isOpen, passes, type RoomFacts, shownOf, sortRooms } from './room-list.ts'
import type { ListConfig, RoomConfig, SlidingSyncRequest } from './sliding-sync-request.ts'

/** A room that is asked for, by which lists, and what is to be told of it. */
export type Match = {
  readonly roomId: RoomId
  readonly membership: Membership
  /** When something happened in it last. */
  readonly activity: number
  readonly lists: readonly string[]
  readonly isSubscribed: boolean
  readonly timelineLimit: number
  readonly wanted: WantedState
}

/** How a user's rooms stand at a position, and which of them a request asks for. */
export type Matched = {
  readonly upTo: number
  /** How many rooms each list holds, shown or not. */
  readonly counts: ReadonlyMap<string, number>
  readonly matches: ReadonlyMap<RoomId, Match>
  readonly dms: ReadonlySet<RoomId>
  readonly joined: ReadonlySet<RoomId>
  /** Those joined since the connection's last answer. */
  readonly newlyJoined: ReadonlySet<RoomId>
}

type MatchTools = Tools & { readonly facts: AccountFacts }

const catchUp = 1000
/** Whoever comes and goes all the time is answered all the same. */
const mostTries = 10
const nothing: RoomFacts = { dms: new Set(), tags: new Map(), kinds: new Map(), children: new Map() }

/**
 * Finds the rooms that a request asks for. No room is loaded for it: what lists are made from is in memory for all rooms, or asked in one question.
 * What another process changed is in memory a moment before the position moves past it; to look between the two would tell it twice, or never.
 */
export async function matchRooms(tools: MatchTools, request: SlidingSyncRequest, connection: Connection): Promise<Matched> {
  const { home, graph } = tools
  const { userId } = request.requester
  const isAsked = request.lists.size + request.subscriptions.size > 0
  for (let tries = 1; ; tries++) {
    const before = await graph.joinedRooms(userId)
    const learnt = isAsked ? await learn(tools, request, await graph.memberships(userId)) : unasked
    const memberships = await graph.memberships(userId)
    const upTo = home.notifier.position()
    const standing = await graph.joinedRooms(userId)
    // What was learnt, rooms and position belong together: when one of the user's memberships changed meanwhile, it is looked anew.
    if (standing !== before && tries < mostTries) continue
    const { rooms: joined, newest } = standing
    if (newest > upTo && !request.signal.aborted) {
      await home.notifier.reached(newest, catchUp)
      continue
    }
    const { position: since } = connection.stand
    const newlyJoined = newest > since ? joinedSince(memberships, since) : new Set<RoomId>()
    const common = { upTo, dms: learnt.facts.dms, joined, newlyJoined }
    return isAsked
      ? { ...common, ...choose(request, memberships, connection, learnt) }
      : { ...common, counts: new Map(), matches: new Map() }
  }
}

function joinedSince(memberships: ReadonlyMap<RoomId, Membership>, since: number): Set<RoomId> {
  const joined = new Set<RoomId>()
  for (const [roomId, { membership, joinedAt }] of memberships) if (membership === 'join' && joinedAt > since) joined.add(roomId)
  return joined
}

/** What lists are made from beside memberships. */
type Learnt = {
  /** The kicks and bans that ended a stay. */
  readonly ended: ReadonlySet<EventId>
  /** Of whose invitations the user wants to hear. */
  readonly isWelcome: (inviter: UserId) => boolean
  readonly activity: ReadonlyMap<RoomId, number>
  readonly facts: RoomFacts
}

const unasked: Learnt = { ended: new Set(), isWelcome: () => true, activity: new Map(), facts: nothing }

async function learn(tools: MatchTools, request: SlidingSyncRequest, memberships: ReadonlyMap<RoomId, Membership>): Promise<Learnt> {
  const { home, graph } = tools
  const { userId } = request.requester
  const endings: EventId[] = []
  const joined: RoomId[] = []
  let hasInvites = false
  for (const [roomId, one] of memberships) {
    if (one.membership === 'join') joined.push(roomId)
    else if (one.membership === 'invite') hasInvites = true
    else if (isEnding(one) && !one.forgotten && one.sender !== userId) endings.push(one.eventId)
  }
  return {
    ended: endings.length === 0 ? unasked.ended : await graph.endedStays(endings),
    isWelcome: hasInvites ? await welcomeInviters(home.database, userId) : unasked.isWelcome,
    facts: await factsFor(tools, request, memberships),
    activity: await graph.lastActivity(joined),
  }
}

/** The rooms that the user has to do with, and when something happened in them last. */
function entriesOf(memberships: ReadonlyMap<RoomId, Membership>, { activity, isWelcome }: Learnt): Entry[] {
  const entries: Entry[] = []
  for (const [roomId, membership] of memberships) {
    const last = membership.membership === 'join' ? activity.get(roomId) : undefined
    if (membership.membership === 'invite' && !isWelcome(membership.sender)) continue
    if (!membership.forgotten) entries.push({ roomId, membership, activity: last ?? membership.position })
  }
  return entries
}

function isEnding({ membership }: Membership): boolean {
  return membership === 'leave' || membership === 'ban'
}

/**
 * Whether lists know the room: joined, invited to, knocked on; left by somebody else's doing; or left otherwise, until that was told to a client which
 * knows the room.
 */
function isListed({ roomId, membership }: Entry, { sent }: Connection, ended: Learnt['ended']): boolean {
  if (membership.membership === 'join') return true
  if (!isEnding(membership) || ended.has(membership.eventId)) return true
  const told = sent.get(roomId)?.membership
  return told !== undefined && told !== 'leave' && told !== 'ban'
}

async function factsFor(
  { facts, graph }: MatchTools,
  { lists, requester: { userId } }: SlidingSyncRequest,
  memberships: ReadonlyMap<RoomId, Membership>,
): Promise<RoomFacts> {
  const filters = [...lists.values()].map((list) => list.filters)
  const asksKinds = filters.some(({ isEncrypted, roomTypes, notRoomTypes }) => (isEncrypted ?? roomTypes ?? notRoomTypes) !== undefined)
  const asksTags = filters.some(({ tags, notTags }) => (tags ?? notTags) !== undefined)
  const children = new Map<string, ReadonlySet<RoomId>>()
  for (const space of new Set(filters.flatMap(({ spaces = [] }) => spaces))) {
    const isIn = isRoomId(space) && memberships.get(space)?.membership === 'join'
    children.set(space, isIn ? await childrenOf(graph, space) : new Set())
  }
  return {
    dms: await facts.dms(userId),
    tags: asksTags ? await facts.tags(userId) : nothing.tags,
    kinds: asksKinds ? await kindsOf(graph, userId, memberships) : nothing.kinds,
    children,
  }
}

async function kindsOf(
  graph: Pick<Graph, 'roomKinds' | 'outside'>,
  userId: UserId,
  memberships: ReadonlyMap<RoomId, Membership>,
): Promise<RoomFacts['kinds']> {
  const outside = await graph.outside.kinds(userId)
  const inside = await graph.roomKinds([...memberships.keys()].filter((roomId) => !outside.has(roomId)))
  return outside.size === 0 ? inside : new Map([...inside, ...outside])
}

/** https://spec.matrix.org/v1.19/client-server-api/#mspacechild */
async function childrenOf(graph: Pick<Graph, 'room'>, space: RoomId): Promise<Set<RoomId>> {
  const children = new Set<RoomId>()
  for (const { pdu } of (await graph.room(space))?.allState() ?? []) {
    const isChild = pdu.type === 'm.space.child' && isJsonObject(pdu.content) && Array.isArray(pdu.content['via'])
    if (isChild && isRoomId(pdu.state_key)) children.add(pdu.state_key)
  }
  return children
}

/** Puts together what lists show and what is subscribed to. */
function choose(
  { lists, subscriptions }: SlidingSyncRequest,
  memberships: ReadonlyMap<RoomId, Membership>,
  connection: Connection,
  learnt: Learnt,
): Pick<Matched, 'counts' | 'matches'> {
  const { ended, facts } = learnt
  const entries = entriesOf(memberships, learnt)
  const listed = sortRooms(entries.filter((entry) => isListed(entry, connection, ended)))
  const counts = new Map<string, number>()
  const asking = new Map<RoomId, { readonly entry: Entry; readonly lists: string[]; readonly configs: RoomConfig[] }>()
  const ask = (entry: Entry, config: RoomConfig): string[] => {
    const known = asking.get(entry.roomId) ?? { entry, lists: [], configs: [] }
    asking.set(entry.roomId, known)
    known.configs.push(config)
    return known.lists
  }
  if (subscriptions.size > 0) {
    for (const entry of entries) {
      const config = subscriptions.get(entry.roomId)
      if (config !== undefined) ask(entry, config)
    }
  }
  for (const [name, list] of lists) {
    const held = isOpen(list.filters) ? listed : listed.filter((entry) => passes(list.filters, entry, facts))
    counts.set(name, held.length)
    for (const entry of shownOf(held, list.ranges)) ask(entry, list satisfies ListConfig).push(name)
  }
  const united = new Map<string, WantedState>()
  const matches = new Map<RoomId, Match>()
  for (const [roomId, { entry, lists: names, configs }] of asking) {
    matches.set(roomId, {
      ...entry,
      lists: names,
      isSubscribed: subscriptions.has(roomId),
      timelineLimit: Math.max(...configs.map(({ timelineLimit }) => timelineLimit)),
      wanted: wantedBy(configs, united),
    })
  }
  return { counts, matches }
}

/** The same object for the same wishes: most rooms are asked for by the same list. */
function wantedBy(configs: readonly RoomConfig[], united: Map<string, WantedState>): WantedState {
  const key = configs.map(({ key: one }) => one).join('\n')
  const wanted = united.get(key) ?? unite(configs.map(({ required }) => required))
  united.set(key, wanted)
  return wanted
}
