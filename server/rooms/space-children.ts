import { compareCodePoints } from '../core/canonical-json.ts'
import { isRoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { RoomView, StateEvent } from '../graph/graph.ts'

const mostChildren = 1000
const validOrder = /^[\x20-\x7e]{1,50}$/

/** A space's children in order. https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space */
export function childrenOf(room: RoomView, suggestedOnly: boolean): StateEvent[] {
  if (room.state('m.room.create', '')?.pdu.content['type'] !== 'm.space') return []
  const children = [...room.allState()].filter(
    ({ pdu }) =>
      pdu.type === 'm.space.child' &&
      isRoomId(pdu.state_key) &&
      isVia(pdu.content['via']) &&
      (!suggestedOnly || pdu.content['suggested'] === true),
  )
  return children.sort(compareChildren).slice(0, mostChildren)
}

function isVia(via: unknown): boolean {
  return Array.isArray(via) && via.some((server) => typeof server === 'string' && server !== '')
}

function compareChildren(a: StateEvent, b: StateEvent): number {
  const [first, second] = [orderOf(a), orderOf(b)]
  if (first !== undefined && second !== undefined && first !== second) return compareCodePoints(first, second)
  if ((first === undefined) !== (second === undefined)) return first === undefined ? 1 : -1
  return a.pdu.origin_server_ts - b.pdu.origin_server_ts || compareCodePoints(a.pdu.state_key ?? '', b.pdu.state_key ?? '')
}

function orderOf({ pdu }: StateEvent): string | undefined {
  const { order } = pdu.content
  return typeof order === 'string' && validOrder.test(order) ? order : undefined
}

/** The same as stripped state, with the times at which they were sent. */
export function childrenState(room: RoomView, suggestedOnly: boolean): JsonObject[] {
  return childrenOf(room, suggestedOnly).map(({ pdu: { type, state_key, content, sender, origin_server_ts } }) => ({
    type,
    state_key,
    content,
    sender,
    origin_server_ts,
  }))
}
