import type { EventFilter } from '../core/event-filter.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { stateEventText } from '../graph/client-event.ts'
import type { Graph, Seen } from '../graph/graph.ts'

/**
 * The memberships of those who sent these events, as a list of JSON text, when the filter asks for lazy members; undefined otherwise. As they are
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
  const members =
    asOf === undefined
      ? [...(await graph.members(roomId, senders)).values()]
      : await graph.stateOf(
          asOf,
          [...senders].map((sender) => ['m.room.member', sender] as const),
        )
  return `[${members.map((member) => stateEventText(member, roomId, now)).join(',')}]`
}
