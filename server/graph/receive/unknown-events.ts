import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId, RoomId } from '../../core/ids.ts'
import { type Pdu, prevEventIdsOf } from '../../core/pdu.ts'
import { type Select, type Write, write } from '../../storage/database.ts'
import { depthOf, loadStored } from './known-events.ts'
import { insertMissing, selectThere } from './stored.store.ts'

const pageSize = 500

/** Those of many events that are nowhere on disk; other work is done between pages of them. */
export async function unknownOf(select: Select, eventIds: Iterable<EventId>): Promise<EventId[]> {
  const ids = [...new Set(eventIds)]
  const unknown: EventId[] = []
  for (let from = 0; from < ids.length; from += pageSize) {
    if (from > 0) await breathe()
    const some = ids.slice(from, from + pageSize)
    const there = new Set((await select(selectThere, some)).map((row) => row.event_id))
    for (const eventId of some) if (!there.has(eventId)) unknown.push(eventId)
  }
  return unknown
}

/** What notes which of the events before another one have no place in the room here. */
export async function notingMissing(select: Select, roomId: RoomId, pdu: Pdu): Promise<Write[]> {
  const prevs = prevEventIdsOf(pdu)
  const known = await loadStored(select, prevs)
  const missing = prevs.filter((eventId) => known.get(eventId)?.outlier !== false)
  return missing.map((eventId) => write(insertMissing, roomId, eventId, depthOf(pdu)))
}
