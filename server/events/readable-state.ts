import type { RoomId, UserId } from '../core/ids.ts'
import { forbidden } from '../core/matrix-error.ts'
import type { Graph, RoomView, StateEvent, TimelineEvent } from '../graph/graph.ts'
import { placeOfToken } from '../graph/place-token.ts'
import type { Requester } from '../http/endpoint.ts'

/** The state of a room that a requester may read: as it is now, or as it was when they left (the state group of that, and its position). */
export type ReadableState = { readonly room: RoomView; readonly asOf: 'now' | string; readonly upTo: number }

/**
 * Which state of a room somebody may read: members the current one, those who left the one they left, everyone that of a world-readable room.
 * 403 M_FORBIDDEN otherwise, also for rooms that do not exist.
 */
export async function readableState(graph: Graph, roomId: RoomId, requester: Requester): Promise<ReadableState> {
  const room = await graph.freshRoom(roomId)
  const membership = (await graph.memberships(requester.userId)).get(roomId)
  if (room !== undefined && membership?.membership === 'join') return { room, asOf: 'now', upTo: Number.POSITIVE_INFINITY }
  if (room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable')
    return { room, asOf: 'now', upTo: Number.POSITIVE_INFINITY }
  const left =
    room === undefined || membership === undefined || membership.forgotten ? undefined : await leaveOf(graph, roomId, requester.userId)
  if (room === undefined || left === undefined) throw forbidden('you are not a member of this room')
  return { room, asOf: left.stateGroup, upTo: left.position ?? 0 }
}

/**
 * The event that ended a user's last stay, found from their present membership: they may have been invited or banned since. Undefined for somebody
 * who was never in: whoever was only invited has not seen the room, and sees nothing of it after that either.
 */
async function leaveOf(graph: Graph, roomId: RoomId, userId: UserId): Promise<TimelineEvent | undefined> {
  const events = await graph.membershipEvents(userId, roomId)
  return events.find(({ position, replacedContent }) => position !== undefined && replacedContent?.['membership'] === 'join')
}

/** One state event, memberships included. */
export async function readOne(
  graph: Graph,
  { room, asOf }: ReadableState,
  type: string,
  stateKey: string,
): Promise<StateEvent | undefined> {
  if (asOf !== 'now') return (await graph.stateOf(asOf, [[type, stateKey]]))[0]
  if (type === 'm.room.member' && stateKey.startsWith('@')) await graph.members(room.roomId, [stateKey as `@${string}`])
  return room.state(type, stateKey)
}

/** The state group of what may be read. */
export function groupOf({ room, asOf }: ReadableState): string {
  return asOf === 'now' ? room.stateGroup : asOf
}

/**
 * The state group at a token of `/sync` or `/messages`, or at the leave of somebody who left before that; undefined before the room's first event.
 * 403 M_FORBIDDEN when they may not see what had happened then.
 */
export async function groupAt(graph: Graph, readable: ReadableState, token: string, userId: UserId): Promise<string | undefined> {
  const { roomId } = readable.room
  const [last] = await graph.page(roomId, await placeOfToken(graph, roomId, token), 'b', 1)
  if (last === undefined) return undefined
  if ((last.position ?? 0) >= readable.upTo) return groupOf(readable)
  if ((await graph.visible([last], userId)).length === 0) throw forbidden('you may not see what this room was like then')
  return last.stateGroup
}
