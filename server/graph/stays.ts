import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { selectEvents } from './events.store.ts'
import type { Graph, Membership, TimelineEvent } from './graph.ts'
import type { Memberships } from './memberships.ts'
import type { Rooms } from './rooms.ts'
import { keep, type PastStates } from './state-at.ts'
import { eventOf } from './stored-event.ts'

type Tools = Pick<Home, 'database'> & { readonly rooms: Rooms; readonly memberships: Memberships; readonly past: PastStates }

/** What a user became in a room, and from which position on. */
export type Stay = { readonly position: number; readonly membership: string }

export type Stays = Pick<Graph, 'membershipEvents'> & {
  /** What a user was in a room, newest first. */
  readonly staysOf: (userId: UserId, roomId: RoomId, membership: Membership | undefined) => Promise<readonly Stay[]>
}

const mostKnown = 20_000
const mostStays = 500
const mostEvents = 100

/** A user's memberships of the past in a room, as far as this server heard of them: each event knows the one that it replaced. */
export function createStays(tools: Tools): Stays {
  // They never change, not even by a redaction.
  const known = new Map<EventId, readonly Stay[]>()

  return {
    staysOf: async (userId, roomId, membership) => {
      if (membership === undefined) return []
      return known.get(membership.eventId) ?? keep(known, membership.eventId, await readStays(tools, userId, roomId, membership), mostKnown)
    },
    membershipEvents: async (userId, roomId) => {
      const membership = (await tools.memberships.of(userId)).get(roomId)
      const events: TimelineEvent[] = []
      if (membership === undefined) return events
      for await (const event of membershipsOf(tools, userId, roomId, membership)) if (events.push(event) >= mostEvents) break
      return events
    },
  }
}

async function readStays(tools: Tools, userId: UserId, roomId: RoomId, membership: Membership): Promise<readonly Stay[]> {
  const stays: Stay[] = [{ position: membership.position, membership: membership.membership }]
  for await (const { eventId, position, pdu } of membershipsOf(tools, userId, roomId, membership)) {
    // What was only ever part of a state that was taken over came with what stands on it.
    const { position: later } = stays.at(-1) as Stay
    if (eventId === membership.eventId) stays.pop()
    stays.push({ position: position ?? later, membership: String(pdu.content['membership']) })
    if (stays.length >= mostStays) break
  }
  return stays
}

/** A user's membership events in a room, newest first. One that the room itself does not know, since this server is not in it, stands above what it knew last. */
async function* membershipsOf(
  { database, rooms, past }: Tools,
  userId: UserId,
  roomId: RoomId,
  { eventId: newest }: Membership,
): AsyncGenerator<TimelineEvent> {
  const [row] = await database.select(selectEvents, [newest])
  const room = row === undefined ? await rooms.load(roomId) : undefined
  let eventId = row === undefined ? room && (await past.entry(room.stateGroup, 'm.room.member', userId))?.eventId : newest
  while (eventId !== undefined) {
    // Also one that was only ever part of a state that was taken over.
    const [found] = await database.select(selectEvents, [eventId])
    if (found === undefined) return
    const event = eventOf(found)
    yield event
    eventId = event.replaces
  }
}
