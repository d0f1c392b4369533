import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { notifyingActions } from '../core/push-rules.ts'
import type { Graph, OutsideMembership } from '../graph/graph.ts'
import { pushEvent } from '../graph/unread/push-event.ts'
import type { Home } from '../home.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import type { Notified } from './gather-pushes.ts'

type Needs = Pick<Tools, 'graph' | 'people'> & { readonly home: Pick<Home, 'database'> }

/** What a row of the log about a user's memberships is to be pushed for: an invitation to a room that this server is not in. */
export async function gatherInvites({ graph, people, home }: Needs, userId: UserId, position: number): Promise<Notified[]> {
  const roomId = await roomOf(graph, userId, (membership) => membership.position === position)
  const outside = roomId === undefined ? undefined : await graph.outside.find(userId, roomId)
  if (roomId === undefined || outside?.membership.membership !== 'invite') return []
  const { event } = outside
  const reader = await people.pushReader(userId)
  const { way, compiled } = reader.inRoom(roomId)
  if (way === 'silent' || !(await welcomeInviters(home.database, userId))(event.pdu.sender)) return []
  const unknownRoom = { userId, memberCount: 0, senderPower: 0, notificationLevel: () => Number.POSITIVE_INFINITY }
  const actions = notifyingActions(compiled, pushEvent(event), unknownRoom)
  return actions === undefined ? [] : [{ userId, eventId: event.eventId, position, actions }]
}

/** The invitation to a room that this server is not in which an event is, as long as it stands. */
export async function outsideInvite(
  graph: Pick<Graph, 'memberships' | 'outside'>,
  userId: UserId,
  eventId: EventId,
): Promise<OutsideMembership | undefined> {
  const roomId = await roomOf(graph, userId, (one) => one.eventId === eventId && one.membership === 'invite')
  return roomId === undefined ? undefined : graph.outside.find(userId, roomId)
}

async function roomOf(
  graph: Pick<Graph, 'memberships'>,
  userId: UserId,
  isMeant: (membership: OutsideMembership['membership']) => boolean,
): Promise<RoomId | undefined> {
  for (const [roomId, membership] of await graph.memberships(userId)) if (isMeant(membership)) return roomId
  return undefined
}
