import { compareCodePoints } from '../core/canonical-json.ts'
import { isRoomId, type RoomId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { RoomView, StateEvent } from '../graph/graph.ts'

const mostChildren = 1000
const validOrder = /^[\x20-\x7e]{1,50}$/

/** What leads from a space to a room: an `m.space.child` event without its signatures. */
export type Link = {
  readonly type: string
  readonly state_key: RoomId
  readonly content: JsonObject
  readonly sender: string
  readonly origin_server_ts: number
}

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
  return children.sort((a, b) => compareLinks(a.pdu, b.pdu)).slice(0, mostChildren)
}

function isVia(via: unknown): boolean {
  return Array.isArray(via) && via.some((server) => typeof server === 'string' && server !== '')
}

type Placed = { readonly content: JsonObject; readonly origin_server_ts: number; readonly state_key?: string }

/** Links of a space in their order. */
export function orderLinks<L extends Placed>(links: readonly L[]): L[] {
  return [...links].sort(compareLinks)
}

function compareLinks(a: Placed, b: Placed): number {
  const [first, second] = [orderOf(a), orderOf(b)]
  if (first !== undefined && second !== undefined && first !== second) return compareCodePoints(first, second)
  if ((first === undefined) !== (second === undefined)) return first === undefined ? 1 : -1
  return a.origin_server_ts - b.origin_server_ts || compareCodePoints(a.state_key ?? '', b.state_key ?? '')
}

function orderOf({ content: { order } }: Placed): string | undefined {
  return typeof order === 'string' && validOrder.test(order) ? order : undefined
}

/** The same as stripped state, with the times at which they were sent. */
export function childrenState(room: RoomView, suggestedOnly: boolean): Link[] {
  return childrenOf(room, suggestedOnly).map(({ pdu: { type, state_key, content, sender, origin_server_ts } }) => ({
    type,
    state_key: state_key as RoomId,
    content,
    sender,
    origin_server_ts,
  }))
}
