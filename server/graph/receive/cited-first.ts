import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId } from '../../core/ids.ts'

const atOnce = 500

/** Events in an order in which each comes after those of them that it cites; what cites itself, over whichever events, is left out. */
export async function citedFirst(cites: ReadonlyMap<EventId, readonly EventId[]>): Promise<EventId[]> {
  const above = new Map<EventId, EventId[]>()
  const left = new Map<EventId, number>()
  const ordered: EventId[] = []
  let count = 0
  for (const [eventId, cited] of cites) {
    const inner = [...new Set(cited)].filter((other) => cites.has(other))
    left.set(eventId, inner.length)
    if (inner.length === 0) ordered.push(eventId)
    for (const other of inner) {
      const known = above.get(other)
      if (known === undefined) above.set(other, [eventId])
      else known.push(eventId)
    }
    if (++count % atOnce === 0) await breathe()
  }
  for (const next of ordered) {
    for (const eventId of above.get(next) ?? []) {
      const count = (left.get(eventId) ?? 1) - 1
      left.set(eventId, count)
      if (count === 0) ordered.push(eventId)
    }
    if (++count % atOnce === 0) await breathe()
  }
  return ordered
}
