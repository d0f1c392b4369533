import type { RoomId } from '../core/ids.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { decodeToken } from '../core/stream-token.ts'
import type { Graph, Place } from './graph.ts'

const grammar = /^t1_(\d{1,16})_(-?\d{1,16})(?:_(\d{1,16}))?$/

/** Writes a place in a room's history as clients see it. */
export function encodePlace({ depth, order, before }: Place): string {
  return before === undefined ? `t1_${depth}_${order}` : `t1_${depth}_${order}_${before}`
}

/** Reads a token of `/messages` or of `/sync` (whose place in a room is looked up); 400 M_INVALID_PARAM for anything else. */
export async function placeOfToken(graph: Pick<Graph, 'placeOf'>, roomId: RoomId, text: string): Promise<Place> {
  if (text.startsWith('s1_')) return graph.placeOf(roomId, decodeToken(text).position)
  const [, depth, order, before] = grammar.exec(text) ?? []
  if (depth === undefined || !Number.isSafeInteger(Number(depth)) || !Number.isSafeInteger(Number(order))) {
    throw invalidParam('this is not a token of this server')
  }
  return { depth: Number(depth), order: Number(order), ...(before === undefined ? {} : { before: Number(before) }) }
}
