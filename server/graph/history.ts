import { type HistoryVisibility, mayRead, parseVisibility } from '../core/history-visibility.ts'
import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { notFound } from '../core/matrix-error.ts'
import { isSearched } from '../core/searched-events.ts'
import type { Home } from '../home.ts'
import type { Erasure } from './erasure.ts'
import {
  selectArrived,
  selectEvent,
  selectEvents,
  selectLastAt,
  selectNewer,
  selectOlder,
  selectOlderArrived,
  selectPage,
  selectSentFrom,
  selectSentUntil,
  selectServed,
} from './events.store.ts'
import type { Graph, Membership, MembershipName, Place, Seen, TimelineEvent } from './graph.ts'
import type { Memberships } from './memberships.ts'
import { arrivedInMemory, recall } from './room.ts'
import { type Rooms, refresh } from './rooms.ts'
import { keep, type PastStates } from './state-at.ts'
import { createStays, type Stay, type Stays } from './stays.ts'
import { eventOf } from './stored-event.ts'

type Tools = Pick<Home, 'database'> & { readonly rooms: Rooms; readonly memberships: Memberships; readonly past: PastStates } & Pick<
    Erasure,
    'erased'
  > & { readonly known: Known; readonly staysOf: Stays['staysOf'] }

/** What never changes, not even by a redaction: the visibility at a state group. */
type Known = { readonly visibilities: Map<string, HistoryVisibility> }

const mostKnown = 20_000

/** Reading a room's events: by id, by arrival, by place, and only those that a reader may see. */
export function createHistory(
  given: Omit<Tools, 'known' | 'staysOf'>,
): Pick<Graph, 'event' | 'membershipEvents' | 'events' | 'visibleEvent' | 'visible' | 'arrived' | 'page' | 'sentAround' | 'placeOf'> {
  const { staysOf, membershipEvents } = createStays(given)
  const tools: Tools = { ...given, known: { visibilities: new Map() }, staysOf }
  const { select, selectOne } = tools.database

  async function event(eventId: EventId): Promise<TimelineEvent | undefined> {
    const row = await selectOne(selectEvent, eventId)
    return row === undefined ? undefined : eventOf(row)
  }

  async function visible(events: readonly TimelineEvent[], userId: UserId): Promise<Seen[]> {
    const memberships = await tools.memberships.of(userId)
    const stays = new Map<RoomId, readonly Stay[]>()
    const seen: Seen[] = []
    for (const one of events) {
      const membership = memberships.get(one.roomId)
      const inPresentStay = membership?.membership === 'join' && one.position !== undefined && one.position >= membership.joinedAt
      if (inPresentStay) seen.push({ event: one, membership: 'join' })
      else {
        const at = await mayReadAt(tools, one, userId, membership, stays)
        if (at !== undefined) seen.push({ event: one, membership: at })
      }
    }
    return tools.erased(seen)
  }

  return {
    event,
    membershipEvents,
    events: async (eventIds) => (eventIds.length === 0 ? [] : (await select(selectServed, eventIds)).map(eventOf)),
    visible,
    visibleEvent: async (roomId, eventId, userId) => {
      const found = await event(eventId)
      const room = tools.database.shared && found?.roomId === roomId ? await tools.rooms.load(roomId) : undefined
      if (room !== undefined) await refresh(select, room, tools.memberships)
      const [seen] = found === undefined || found.roomId !== roomId ? [] : await visible([found], userId)
      if (seen === undefined) throw notFound('there is no such event in this room, or you may not see it')
      return seen
    },
    arrived: arrivedOver(tools),
    page: async (roomId, { depth, order, before }, direction, limit) => {
      const rows =
        direction === 'b' && before !== undefined
          ? select(selectOlderArrived, roomId, depth, depth, order, before, limit)
          : select(direction === 'b' ? selectOlder : selectNewer, roomId, depth, depth, order, limit)
      return (await rows).map(eventOf)
    },
    sentAround: async (roomId, timestamp, direction, limit, offset) => {
      const rows = await select(direction === 'f' ? selectSentFrom : selectSentUntil, roomId, timestamp, limit, offset)
      const ids = rows.map((row) => row.event_id)
      const events = new Map((await select(selectEvents, ids)).map((row) => [row.event_id, eventOf(row)]))
      return ids.flatMap((eventId) => events.get(eventId) ?? [])
    },
    placeOf: (roomId, position) => placeAt(tools, roomId, position),
  }
}

/** From memory as far as it reaches, from the disk otherwise; what was read stays in memory. */
function arrivedOver({ database, rooms }: Tools): Graph['arrived'] {
  return async (roomId, after, upTo, limit) => {
    const room = rooms.peek(roomId)
    const known = room && arrivedInMemory(room, after, upTo, limit)
    if (known !== undefined) return known
    const at = room?.position
    const events = (await database.select(selectArrived, roomId, after, upTo, limit + 1)).reverse().map(eventOf)
    const limited = events.length > limit
    // Not where the room moved meanwhile: an event that was read may have been redacted since.
    if (room !== undefined && room.position === at) recall(room, events, limited ? (events[0]?.position ?? upTo) - 1 : after, upTo)
    return { events: limited ? events.slice(1) : events, limited }
  }
}

async function placeAt({ database }: Tools, roomId: RoomId, position: number): Promise<Place> {
  const row = await database.selectOne(selectLastAt, roomId, position)
  return row === undefined ? { depth: 0, order: 0 } : { depth: row.depth, order: row.room_order + 1 }
}

async function mayReadAt(
  tools: Tools,
  event: TimelineEvent,
  userId: UserId,
  membership: Membership | undefined,
  stays: Map<RoomId, readonly Stay[]>,
): Promise<MembershipName | undefined> {
  const own = stays.get(event.roomId) ?? (await tools.staysOf(userId, event.roomId, membership))
  stays.set(event.roomId, own)
  const setsVisibility = event.pdu.type === 'm.room.history_visibility' && event.pdu.state_key === ''
  const setsMembership = event.pdu.type === 'm.room.member' && event.pdu.state_key === userId
  const before = setsVisibility || setsMembership ? await replaced(tools, event) : undefined
  const after = await visibilityAt(tools, event.stateGroup)
  const position = event.position ?? -1
  const was = setsMembership ? before?.pdu.content['membership'] : await membershipAt(tools, event, userId, own)
  const readable = mayRead({
    visibility: setsVisibility ? parseVisibility(before?.pdu.content['history_visibility']) : after,
    visibilityAfter: after,
    membership: was === undefined ? undefined : String(was),
    ...(setsMembership ? { membershipAfter: String(event.pdu.content['membership']) } : {}),
    joinedSince: own.some((stay) => stay.membership === 'join' && stay.position > position),
  })
  // Whoever's membership an event sets is told of it, whatever they may read otherwise: that they were invited, kicked or banned.
  if (!readable && !setsMembership) return undefined
  return ((setsMembership ? event.pdu.content['membership'] : was) ?? 'leave') as MembershipName
}

async function membershipAt(tools: Tools, event: TimelineEvent, userId: UserId, own: readonly Stay[]): Promise<string | undefined> {
  const { position } = event
  if (position !== undefined) return own.find((stay) => stay.position <= position)?.membership
  const member = await tools.past.entry(event.stateGroup, 'm.room.member', userId)
  return member === undefined ? undefined : String(member.pdu.content['membership'])
}

async function visibilityAt({ past, known: { visibilities } }: Tools, stateGroup: string): Promise<HistoryVisibility> {
  const known = visibilities.get(stateGroup)
  if (known !== undefined) return known
  const event = await past.entry(stateGroup, 'm.room.history_visibility', '')
  return keep(visibilities, stateGroup, parseVisibility(event?.pdu.content['history_visibility']), mostKnown)
}

async function replaced(tools: Tools, { replaces }: TimelineEvent): Promise<TimelineEvent | undefined> {
  const row = replaces === undefined ? undefined : await tools.database.selectOne(selectEvent, replaces)
  return row === undefined ? undefined : eventOf(row)
}

/** Of a page of all events those of the past that may be found by their words, and the last of the page while there is more. */
export function searchedPastOver({ database }: Pick<Home, 'database'>): Graph['searchedPast'] {
  return async (after, limit) => {
    const rows = await database.select(selectPage, after, limit)
    const found = rows.filter(({ past, type, state_key }) => past !== 0 && isSearched({ type, ...(state_key !== null && { state_key }) }))
    return { eventIds: found.map(({ event_id }) => event_id as EventId), last: rows.length < limit ? undefined : rows.at(-1)!.event_id }
  }
}
