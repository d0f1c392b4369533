import { prevEventIdsOf } from '../../core/pdu.ts'
import type { Incoming } from './check-incoming.ts'

/** Events each after those of them that it cites in `prev_events`, whatever depth they claim; those that cite none of them by depth. */
export function inOrder(events: readonly Incoming[]): Incoming[] {
  const waiting = new Map<string, Incoming>(events.map((event) => [event.eventId, event]))
  const ordered: Incoming[] = []
  const byDepth = [...waiting.values()].sort((a, b) => Number(a.pdu.depth) - Number(b.pdu.depth))
  for (const start of byDepth) {
    const path = [start]
    for (let event = path.at(-1); event !== undefined; event = path.at(-1)) {
      if (!waiting.has(event.eventId)) path.pop()
      else {
        const [earlier] = prevEventIdsOf(event.pdu).flatMap((id) => waiting.get(id) ?? [])
        if (earlier !== undefined && !path.includes(earlier)) path.push(earlier)
        else {
          waiting.delete(event.eventId)
          ordered.push(event)
        }
      }
    }
  }
  return ordered
}

/** Of events, those that are among some ids, or that these cite over events of the same answer. */
export function reachable(events: readonly Incoming[], from: Iterable<string>): Incoming[] {
  const all = new Map<string, Incoming>(events.map((event) => [event.eventId, event]))
  const found = new Set<Incoming>()
  const next = [...from]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    const event = all.get(id)
    if (event === undefined || found.has(event)) continue
    found.add(event)
    next.push(...prevEventIdsOf(event.pdu))
  }
  return [...found]
}
