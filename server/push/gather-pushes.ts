import type { EventId, RoomId, UserId } from '../core/ids.ts'
import { notifyingActions, type PushAction } from '../core/push-rules.ts'
import type { RoomView, TimelineEvent } from '../graph/graph.ts'
import { pushEvent } from '../graph/unread/push-event.ts'
import type { Home } from '../home.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import { breather } from './breather.ts'

/** One event that is to be pushed to a user. */
export type Notified = {
  readonly userId: UserId
  readonly eventId: EventId
  readonly position: number
  readonly actions: readonly PushAction[]
}

type Needs = Pick<Tools, 'graph' | 'people'> & { readonly home: Pick<Home, 'database'> }

const mostOfRoom = 500

/**
 * What happened in a room in (after, upTo] that is to be pushed to users among `wanted`, oldest first: to its members, and to whom it invites. Only
 * those who have a pusher cost anything. Of a room in which a very great deal happened at once, the newest events count.
 */
export async function gatherPushes(
  { graph, people, home }: Needs,
  roomId: RoomId,
  after: number,
  upTo: number,
  wanted: ReadonlySet<UserId>,
): Promise<Notified[]> {
  const room = await graph.room(roomId)
  if (room === undefined) return []
  const members = wantedIn(room, wanted)
  // What came after `upTo` is walked over too: the room is looked at as it was before each event.
  const { events } = await graph.arrived(roomId, after, Number.MAX_SAFE_INTEGER, mostOfRoom)
  const newestFirst = events.toReversed()
  const invited = newestFirst.flatMap((event) => inviteeOf(event, wanted))
  const breathe = breather(1000)
  const found: Notified[] = []
  for (const userId of new Set([...members, ...invited])) {
    const reader = await people.pushReader(userId)
    const { way, compiled } = reader.inRoom(roomId)
    const context = await graph.pushContext(roomId, reader)
    if (context === undefined || way === 'silent') continue
    const isMember = room.membership(userId) === 'join'
    const isWelcome = isMember ? undefined : await welcomeInviters(home.database, userId)
    for (const event of newestFirst) {
      context.before(event)
      await breathe()
      const { position = 0, pdu, redactedBy, eventId } = event
      if (position > upTo || redactedBy !== undefined || reader.ignored.has(pdu.sender)) continue
      if (isWelcome !== undefined && (inviteeOf(event, wanted)[0] !== userId || !isWelcome(pdu.sender))) continue
      const actions = notifyingActions(compiled, pushEvent(event), context.now)
      if (actions !== undefined) found.push({ userId, eventId, position, actions })
    }
  }
  return found.sort((a, b) => a.position - b.position)
}

/** Of those who have pushers, the members of a room: whichever is less is looked through. */
function wantedIn({ joined }: RoomView, wanted: ReadonlySet<UserId>): UserId[] {
  const [few, many] = joined.size < wanted.size ? [joined, wanted] : [wanted, joined]
  return [...few].filter((userId) => many.has(userId))
}

function inviteeOf({ pdu }: TimelineEvent, wanted: ReadonlySet<UserId>): UserId[] {
  const isInvite = pdu.type === 'm.room.member' && pdu.content['membership'] === 'invite'
  return isInvite && wanted.has(pdu.state_key as UserId) ? [pdu.state_key as UserId] : []
}
