import type { TimelineEvent } from '../graph/graph.ts'
import { momentOf } from './document-numbers.ts'

type Timed = { readonly document: number; readonly seen: { readonly event: Pick<TimelineEvent, 'pdu'> } }

/**
 * The newest of what arrived, newest first, and of what was given of the past. Whatever a sender says of the time, what arrived stays in its order: an
 * event is taken to be no older than those that it came after.
 */
export function mergeByTime<T extends Timed>(arrived: readonly T[], past: readonly T[], limit: number): T[] {
  const times = noEarlierThanBefore(arrived)
  const merged: T[] = []
  let at = 0
  let pastAt = 0
  while (merged.length < limit) {
    const one = arrived[at]
    const other = past[pastAt]
    if (one === undefined && other === undefined) break
    const isPast = one === undefined || (other !== undefined && momentOf(other.document) > times[at]!)
    merged.push((isPast ? other : one)!)
    if (isPast) pastAt++
    else at++
  }
  return merged
}

function noEarlierThanBefore(hits: readonly Timed[]): number[] {
  let latest = 0
  return hits
    .toReversed()
    .map(({ seen }) => (latest = Math.max(latest, Number(seen.event.pdu.origin_server_ts))))
    .reverse()
}
