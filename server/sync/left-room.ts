import { matchesFilter } from '../core/event-filter.ts'
import type { RoomId } from '../core/ids.ts'
import { encodeToken } from '../core/stream-token.ts'
import type { Membership } from '../graph/graph.ts'
import { encodePlace } from '../graph/place-token.ts'
import type { Tools } from '../slice.ts'
import { stateText, timelineText } from './joined-room.ts'
import type { SyncRequest } from './sync-request.ts'

type Left = {
  readonly roomId: RoomId
  readonly membership: Membership
  readonly request: SyncRequest
  readonly after: number
  readonly upTo: number
}

/** A room that the user has left (or was kicked or banned from) as JSON text: its timeline up to the leave, never beyond. */
export async function leftText(tools: Tools, { roomId, membership, request, after }: Left): Promise<string> {
  const { graph } = tools
  const filter = request.filter.room?.timeline
  const limit = Math.min(filter?.limit ?? 10, 100)
  const { events, limited } = await graph.arrived(roomId, after, membership.position, limit)
  const visible = await graph.visible(events, request.requester.userId)
  const seen = visible.filter(
    ({ event }) => event.eventId === membership.eventId || matchesFilter(filter, { ...event.pdu, room_id: roomId }),
  )
  const first = seen[0]?.event
  const wasIn = visible.length > 1
  const state = limited && wasIn ? await graph.stateChanges(roomId, after, (first?.position ?? membership.position) - 1) : []
  const start = first === undefined ? encodeToken(membership.position) : encodePlace(first)
  return `{"timeline":${timelineText(tools, { seen, state, limited, start }, request)},"${request.stateName}":{"events":${stateText(tools, state)}},"account_data":{"events":[]}}`
}
