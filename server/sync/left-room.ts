import { matchesFilter } from '../core/event-filter.ts'
import type { RoomId } from '../core/ids.ts'
import { encodeToken } from '../core/stream-token.ts'
import type { Membership, Seen, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import { sinceGap } from '../graph/since-gap.ts'
import type { Tools } from '../slice.ts'
import { eventShape } from './event-shape.ts'
import { bundlesOf, newest, stateText, timelineText } from './joined-room.ts'
import type { SyncRequest } from './sync-request.ts'

type Left = {
  readonly roomId: RoomId
  readonly membership: Membership
  readonly request: SyncRequest
  readonly after: number
  readonly upTo: number
}

/** A room that the user has left (or was kicked or banned from) as JSON text: its timeline up to the leave, never beyond. */
export async function leftText(tools: Tools, left: Left): Promise<string> {
  const { roomId, membership, request, after } = left
  const { graph } = tools
  const outside = await graph.outside.find(request.requester.userId, roomId)
  if (outside !== undefined) return outsideText(tools, left, outside.event)
  const filter = request.filter.room?.timeline
  const limit = Math.min(filter?.limit ?? 10, 100)
  const { events, limited } = sinceGap(await graph.arrived(roomId, after, membership.position, Math.max(limit, 1)))
  const visible = await graph.visible(events, request.requester.userId)
  const seen = limit === 0 ? [] : visible.filter(({ event }) => matchesFilter(filter, { ...event.pdu, room_id: roomId }))
  const first = seen[0]?.event
  const state = (await leftState(tools, left, { events, visible, seen, limited })).filter(({ pdu }) =>
    matchesFilter(request.filter.room?.state, { ...pdu, room_id: roomId }),
  )
  const start = first === undefined ? encodeToken(membership.position) : encodePlace(first)
  const shape = eventShape(request.filter)
  const bundles = limited ? await bundlesOf(tools, request, seen, events) : {}
  return `{"timeline":${timelineText(tools, { seen, state, limited, start, ...bundles }, request.requester, shape)},"${request.stateName}":{"events":${stateText(tools, state, shape)}},"account_data":{"events":[]}}`
}

/** Of a room that this server is not in there is but the event that ended an invitation or a knock. */
function outsideText(tools: Tools, { membership, request }: Left, event: TimelineEvent): string {
  const isWanted = matchesFilter(request.filter.room?.timeline, { ...event.pdu, room_id: event.roomId })
  const seen: Seen[] = isWanted ? [{ event, membership: membership.membership }] : []
  const timeline = { seen, state: [], limited: false, start: encodeToken(membership.position) }
  return `{"timeline":${timelineText(tools, timeline, request.requester, eventShape(request.filter))},"${request.stateName}":{"events":[]},"account_data":{"events":[]}}`
}

type Stretch = {
  readonly events: readonly TimelineEvent[]
  readonly visible: readonly Seen[]
  readonly seen: readonly Seen[]
  readonly limited: boolean
}

/**
 * The state that goes with the timeline of a room that was left: nothing that was set while the user was not in it. Before the timeline, with what
 * of it is not told; or after it.
 */
async function leftState(
  { graph }: Tools,
  { roomId, membership, request, after }: Left,
  { events, visible, seen, limited }: Stretch,
): Promise<readonly StateEvent[]> {
  const endedStay = events.at(-1)?.replacedContent?.['membership'] === 'join'
  const lastIn = endedStay ? membership.position : visible.findLast((one) => one.membership === 'join')?.event.position
  const first = visible[0]?.event
  if (lastIn === undefined || first?.position === undefined) return []
  if (request.stateName !== 'state') {
    return newest([...(await graph.stateChanges(roomId, after, lastIn)), ...events.filter((event) => event.eventId === membership.eventId)])
  }
  const told = new Set<string>(seen.map(({ event }) => event.eventId))
  const start = limited || first !== events[0] ? first.position - 1 : after
  const before = start > after ? await graph.stateChanges(roomId, after, start) : []
  const since = await graph.stateChanges(roomId, start, lastIn)
  return newest([...before, ...since.filter(({ eventId }) => !told.has(eventId))])
}
