import type { EventFilter } from '../core/event-filter.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { stateEventText } from '../graph/client-event.ts'
import type { Graph, Seen, StateEvent } from '../graph/graph.ts'

/**
 * The memberships of those who sent these events, as JSON text with commas between, when the filter asks for lazy members; undefined otherwise. As they are
 * now, or as they were in the state group `asOf`.
 */
export async function sendersText(
  graph: Graph,
  roomId: RoomId,
  events: readonly Seen[],
  filter: EventFilter | undefined,
  now: number,
  asOf: string | undefined,
): Promise<string | undefined> {
  if (filter?.lazy_load_members !== true) return undefined
  const senders = new Set<UserId>(events.map(({ event }) => event.pdu.sender))
  const members = await membersOf(graph, roomId, senders, asOf)
  return members.map((member) => stateEventText(member, roomId, now)).join(',')
}

async function membersOf(graph: Graph, roomId: RoomId, userIds: ReadonlySet<UserId>, asOf: string | undefined): Promise<StateEvent[]> {
  const room = await graph.room(roomId)
  if (asOf === undefined || room?.stateGroup === asOf) {
    const now = [...(await graph.members(roomId, userIds)).values()]
    if (asOf === undefined || room?.stateGroup === asOf) return now
  }
  return graph.stateOf(
    asOf,
    [...userIds].map((userId) => ['m.room.member', userId] as const),
  )
}
