import type { EventId, RoomId } from '../../core/ids.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Pdu } from '../../core/pdu.ts'
import { type Relation, relationOf } from '../../core/relation.ts'
import type { Home } from '../../home.ts'
import { type Guard, guard, type Write, write } from '../../storage/database.ts'
import type { Decided } from '../draft.ts'
import { selectEvents } from '../events.store.ts'
import type { Graph } from '../graph.ts'
import { depthOf, orderOfHistory } from '../receive/known-events.ts'
import { eventOf } from '../stored-event.ts'
import {
  deleteRelation,
  insertPastRelation,
  insertRelation,
  selectAnnotation,
  selectNewerRelated,
  selectOlderRelated,
  selectThreadRoots,
  updateThreadWithout,
  upsertPastThread,
  upsertThread,
} from './relations.store.ts'

/** What keeps a relation: written with its event, whose log row is the part's n-th. */
export function relationWrites(roomId: RoomId, { eventId, pdu }: Decided, relation: Relation, nthRow: number): Write[] {
  const one = write(insertRelation, eventId, roomId, ...relatedBy(pdu, relation), nthRow)
  return relation.relType === 'm.thread' ? [one, write(upsertThread, relation.eventId, roomId, nthRow)] : [one]
}

/** The same of an event that was sent before this server followed the room, and has a place in the past. */
export function pastRelationWrites(roomId: RoomId, eventId: EventId, pdu: Pdu): Write[] {
  const relation = relationOf(pdu.content)
  if (relation === undefined) return []
  const order = orderOfHistory(eventId)
  const one = write(insertPastRelation, eventId, roomId, ...relatedBy(pdu, relation), order)
  return relation.relType === 'm.thread' ? [one, write(upsertPastThread, relation.eventId, roomId, pastThread(depthOf(pdu), order))] : [one]
}

function relatedBy(pdu: Pdu, { relType, eventId: relatesTo, key }: Relation) {
  const valid = relType !== 'm.replace' || mayReplace(pdu) ? 1 : 0
  const { type, sender, origin_server_ts } = pdu
  return [relatesTo, relType, type, sender, key ?? null, valid, Number(origin_server_ts), depthOf(pdu)] as const
}

/** Where a thread stands among others that nothing was said in since this server follows the room: below 0, by depth; see `updateThreadWithout`. */
function pastThread(depth: number, order: number): number {
  return Math.min(depth, 2 ** 36 - 1) * 2 ** 16 + ((-1 - order) % 2 ** 16) - 2 ** 52
}

/** "when a child event is redacted then the relationship is broken." https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events */
export function brokenRelation(eventId: EventId): Write[] {
  return [write(updateThreadWithout, eventId, eventId), write(deleteRelation, eventId)]
}

/** Refuses a second annotation of the same kind. https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations */
export function duplicateGuard(roomId: RoomId, { type, sender }: Pdu, { relType, eventId, key }: Relation): Guard[] {
  if (relType !== 'm.annotation' || key === undefined) return []
  return [guard('annotation', 'no row', selectAnnotation, eventId, roomId, type, sender, key)]
}

/** Reading what relates to an event, and the threads of a room. */
export function createRelations({ database }: Pick<Home, 'database'>): Pick<Graph, 'related' | 'threads'> {
  return {
    related: async ({ roomId, eventId, relType, type, levels }, { depth, order }, direction, limit) => {
      const from = direction === 'b' ? selectOlderRelated : selectNewerRelated
      const types = [relType === undefined ? 1 : 0, relType ?? '', type === undefined ? 1 : 0, type ?? ''] as const
      const rows = await database.select(from, eventId, roomId, roomId, levels, ...types, depth, depth, order, limit)
      return rows.map(eventOf)
    },
    threads: async (roomId, before, limit, participant) => {
      const of = participant ?? ''
      const rows = await database.select(selectThreadRoots, roomId, before, participant === undefined ? 1 : 0, of, of, limit)
      const roots = await database.select(
        selectEvents,
        rows.map((row) => row.root_id),
      )
      const events = new Map(roots.filter((row) => row.room_id === roomId).map((row) => [row.event_id, eventOf(row)]))
      return rows.map((row) => ({ event: events.get(row.root_id), position: row.position }))
    },
  }
}

/** "The replacement event (once decrypted, if appropriate) must have an m.new_content property", and none of both a state key. */
function mayReplace({ type, content, state_key }: Pdu): boolean {
  return state_key === undefined && (type === 'm.room.encrypted' || isJsonObject(content['m.new_content']))
}
