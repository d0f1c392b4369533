import type { TimelineEvent } from './graph.ts'

type Arrived = { readonly events: TimelineEvent[]; readonly limited: boolean }

/** Of events with some missing in between, those after that, as if the others did not fit: a client then asks for what lies before them. */
export function sinceGap(arrived: Arrived): Arrived {
  const from = arrived.events.findLastIndex(({ gap }) => gap)
  return from < 0 ? arrived : { events: arrived.events.slice(from), limited: true }
}
