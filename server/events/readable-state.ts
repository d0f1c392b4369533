import type { RoomId } from '../core/ids.ts'
import { forbidden } from '../core/matrix-error.ts'
import type { Graph, RoomView, StateEvent } from '../graph/graph.ts'
import type { Requester } from '../http/endpoint.ts'

/** The state of a room that a requester may read: as it is now, or as it was when they left. */
export type ReadableState = { readonly room: RoomView; readonly asOf: 'now' | string }

/**
 * Which state of a room somebody may read: members the current one, those who left the one they left, everyone that of a world-readable room.
 * 403 M_FORBIDDEN otherwise, also for rooms that do not exist.
 */
export async function readableState(graph: Graph, roomId: RoomId, requester: Requester): Promise<ReadableState> {
  const room = await graph.freshRoom(roomId)
  const membership = (await graph.memberships(requester.userId)).get(roomId)
  if (room !== undefined && membership?.membership === 'join') return { room, asOf: 'now' }
  if (room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable') return { room, asOf: 'now' }
  const left = membership?.membership === 'leave' || membership?.membership === 'ban'
  const event = room !== undefined && left && !membership.forgotten ? await graph.event(membership.eventId) : undefined
  // Whoever was only invited has never seen the room, and sees nothing of it after that either.
  const wasIn = event?.replacedContent?.['membership'] === 'join'
  if (room === undefined || event === undefined || !wasIn) throw forbidden('you are not a member of this room')
  return { room, asOf: event.stateGroup }
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

/** The whole state. */
export async function readAll(graph: Graph, { room, asOf }: ReadableState): Promise<StateEvent[]> {
  return graph.stateOf(asOf === 'now' ? room.stateGroup : asOf)
}
