import type { Filter } from '../core/event-filter.ts'
import type { Graph } from '../graph/graph.ts'

type Kept = { readonly what: Promise<unknown>; readonly at: number }

/** Milliseconds: what is shared tells the age of events, and a wave of answers does not last longer. */
const sharedFor = 500
const mostKept = 500
const stretches = new WeakMap<Graph, WeakMap<Filter, Map<string, Kept>>>()

/**
 * What is the same for all who ask with one filter at one time: many who listen to a room hear the same of it. `question` names all that it depends
 * on but the filter and the graph; `make` answers it.
 */
export function shared<T>(graph: Graph, filter: Filter, question: string, now: number, make: () => Promise<T>): Promise<T> {
  const ofGraph = stretches.get(graph) ?? new WeakMap<Filter, Map<string, Kept>>()
  const ofFilter = ofGraph.get(filter) ?? new Map<string, Kept>()
  stretches.set(graph, ofGraph)
  ofGraph.set(filter, ofFilter)
  const known = ofFilter.get(question)
  if (known !== undefined && now >= known.at && now - known.at < sharedFor) return known.what as Promise<T>
  const what = make()
  ofFilter.delete(question)
  ofFilter.set(question, { what, at: now })
  what.catch(() => ofFilter.delete(question))
  if (ofFilter.size > mostKept) ofFilter.delete(ofFilter.keys().next().value!)
  return what
}
