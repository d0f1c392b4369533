import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId } from '../../core/ids.ts'
import type { Select } from '../../storage/database.ts'
import { loadStored, type Stored } from './known-events.ts'

const pageSize = 100

/** Those of many events that are on disk, one after the other; other work is done between pages of them. */
export async function* storedInPages(select: Select, eventIds: Iterable<EventId>): AsyncGenerator<Stored, void, void> {
  const ids = [...new Set(eventIds)]
  for (let from = 0; from < ids.length; from += pageSize) {
    if (from > 0) await breathe()
    yield* (await loadStored(select, ids.slice(from, from + pageSize))).values()
  }
}
