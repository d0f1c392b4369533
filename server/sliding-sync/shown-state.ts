import { isUserId, type UserId } from '../core/ids.ts'
import type { Graph, RoomView, Seen, StateEvent } from '../graph/graph.ts'
import { isWanted, type WantedState } from './required-state.ts'

/** Whether an event of the state is asked for, otherwise than lazily. */
export function wantedOf(wanted: Pick<WantedState, 'parts'>, { pdu }: StateEvent): boolean {
  return isWanted(wanted, pdu.type, pdu.state_key ?? '')
}

/** The current state that is asked for, without memberships. */
export function currentState(view: RoomView, wanted: WantedState): StateEvent[] {
  if (wanted.named === undefined) return [...view.allState()].filter((event) => wantedOf(wanted, event))
  const found = new Map(wanted.named.map(([type, stateKey]) => [`${type}\0${stateKey}`, view.state(type, stateKey)]))
  return [...found.values()].filter((event) => event !== undefined && wantedOf(wanted, event)) as StateEvent[]
}

/** The current state that is asked for now and was not before, without memberships. */
export function newlyWanted(view: RoomView, wanted: WantedState, before: WantedState): StateEvent[] {
  return currentState(view, wanted).filter((event) => !wantedOf(before, event))
}

/** Those whom a timeline tells of: who sent something, and whose membership changed. */
export function* peopleIn(seen: readonly Seen[]): Iterable<UserId> {
  for (const { event } of seen) {
    yield event.pdu.sender
    if (event.pdu.type === 'm.room.member' && isUserId(event.pdu.state_key)) yield event.pdu.state_key
  }
}

/** The memberships of these users, or of all if all are asked for (which costs as much as there are members). */
export async function memberEvents(
  graph: Pick<Graph, 'members' | 'stateOf'>,
  view: RoomView,
  wanted: Pick<WantedState, 'allMembers'>,
  userIds: ReadonlySet<UserId>,
): Promise<StateEvent[]> {
  if (!wanted.allMembers) return userIds.size === 0 ? [] : [...(await graph.members(view.roomId, userIds)).values()]
  return (await graph.stateOf(view.stateGroup)).filter(({ pdu }) => pdu.type === 'm.room.member')
}
