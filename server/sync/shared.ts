import type { Filter } from '../core/event-filter.ts'
import type { Graph } from '../graph/graph.ts'

type Kept = { readonly what: Promise<unknown>; readonly at: number; readonly forget: () => void }
type Wave = { readonly byFilter: WeakMap<Filter, Map<string, Kept>>; readonly oldestFirst: Set<Kept> }

/** Milliseconds: what is shared tells the age of events, and a wave of answers does not last longer. */
const sharedFor = 500
const mostKept = 2000
const waves = new WeakMap<Graph, Wave>()

/**
 * What is the same for all who ask with one filter at one time: many who listen to a room hear the same of it. `question` names all that it depends
 * on but the filter and the graph; `make` answers it. What is too old goes when anything is asked, whatever the filter: a stretch may be large.
 */
export function shared<T>(graph: Graph, filter: Filter, question: string, now: number, make: () => Promise<T>): Promise<T> {
  const wave = waves.get(graph) ?? { byFilter: new WeakMap<Filter, Map<string, Kept>>(), oldestFirst: new Set<Kept>() }
  waves.set(graph, wave)
  const { byFilter, oldestFirst } = wave
  for (const oldest of oldestFirst) {
    if (now >= oldest.at && now - oldest.at < sharedFor && oldestFirst.size < mostKept) break
    oldest.forget()
  }
  const ofFilter = byFilter.get(filter) ?? new Map<string, Kept>()
  byFilter.set(filter, ofFilter)
  const known = ofFilter.get(question)
  if (known !== undefined) return known.what as Promise<T>
  const what = make()
  const kept: Kept = {
    what,
    at: now,
    forget: () => {
      oldestFirst.delete(kept)
      if (ofFilter.get(question) === kept) ofFilter.delete(question)
    },
  }
  ofFilter.set(question, kept)
  oldestFirst.add(kept)
  what.catch(kept.forget)
  return what
}
