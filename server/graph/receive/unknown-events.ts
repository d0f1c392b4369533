import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId } from '../../core/ids.ts'
import type { Select } from '../../storage/database.ts'
import { selectThere } from './stored.store.ts'

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
