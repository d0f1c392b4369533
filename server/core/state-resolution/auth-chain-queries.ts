import type { EventId } from '../ids.ts'
import { type AuthChainIndex, firstLinkFrom, type Place } from './auth-chain-index.ts'
import { sortInSteps } from './heap.ts'
import { breath, pace, type Steps } from './steps.ts'

/** How far up each chain some events reach; above what they have in common with others. */
type Reach = { readonly own: Map<number, number>; readonly common: ReadonlyMap<number, number> }

/** A link that was followed, and from which chain. */
type Followed = { readonly origin: Place; readonly to: Place }

/**
 * The auth difference of states: every event that appears in the auth chain of some, but not of all of them; here a state's own events count as
 * in its auth chain. The specification's words leave them out. Most servers of the network, which are Synapse, have them in; without them
 * somebody whose clock lies could make this server see another order of power events than those do. `sets` holds what each state has for
 * itself, `common` the events that all of them have. Throws a `RangeError` for an event that is not in the index.
 * https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* authDifference(
  index: AuthChainIndex,
  sets: readonly Iterable<EventId>[],
  common: Iterable<EventId> = [],
): Steps<EventId[]> {
  const shared = yield* reachOf(index, common, new Map())
  const reaches: Reach[] = []
  for (const set of sets) reaches.push(yield* reachOf(index, set, shared.own))
  const difference: EventId[] = []
  for (const chain of new Set(reaches.flatMap(({ own }) => [...own.keys()]))) {
    const heights = reaches.map((reach) => heightOf(reach, chain))
    yield* takeRange(index, chain, Math.min(...heights) + 1, Math.max(...heights), difference)
  }
  return difference
}

/**
 * The conflicted state subgraph: the events of all paths along `auth_events` between any pair of these events, endpoints included.
 * Throws a `RangeError` for an event that is not in the index. https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function* conflictedSubgraph(index: AuthChainIndex, eventIds: Iterable<EventId>): Steps<EventId[]> {
  const places = [...eventIds].map((eventId) => placeOf(index, eventId))
  const reach: Reach = { own: new Map(), common: new Map() }
  const followed: Followed[] = []
  yield* descend(index, places, reach, followed)
  const lowest = yield* lowestReaching(places, followed)
  const subgraph: EventId[] = []
  for (const [chain, from] of lowest) yield* takeRange(index, chain, from, heightOf(reach, chain), subgraph)
  return subgraph
}

/** How far some events and their auth chains reach. */
function* reachOf(index: AuthChainIndex, eventIds: Iterable<EventId>, common: ReadonlyMap<number, number>): Steps<Reach> {
  const reach: Reach = { own: new Map(), common }
  let count = 0
  for (const eventId of eventIds) {
    yield* descend(index, [placeOf(index, eventId)], reach)
    if (++count % pace === 0) yield breath
  }
  return reach
}

/** Raises a reach to these places and to all that lies below them. Each link is followed once. */
function* descend(index: AuthChainIndex, places: Place[], reach: Reach, followed?: Followed[]): Steps<void> {
  const open = [...places]
  let count = 0
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { chain, sequence } = place
    const before = heightOf(reach, chain)
    if (sequence <= before) continue
    reach.own.set(chain, sequence)
    const links = index.links[chain]!
    for (let at = firstLinkFrom(links, before + 1); at < links.length && links[at]!.from <= sequence; at++) {
      const { from, to } = links[at]!
      open.push(to)
      followed?.push({ origin: { chain, sequence: from }, to })
      if (++count % pace === 0) yield breath
    }
  }
}

/** From where on the events of each chain have one of these in their auth chain, or are one. */
function* lowestReaching(places: readonly Place[], followed: readonly Followed[]): Steps<Map<number, number>> {
  const incoming = Map.groupBy(followed, ({ to }) => to.chain)
  // The highest last: they are taken from the end.
  for (const [chain, links] of incoming) incoming.set(chain, yield* sortInSteps(links, (a, b) => a.to.sequence - b.to.sequence))
  const lowest = new Map<number, number>()
  const open: number[] = []
  const lower = ({ chain, sequence }: Place) => {
    if (sequence >= (lowest.get(chain) ?? Number.POSITIVE_INFINITY)) return
    lowest.set(chain, sequence)
    open.push(chain)
  }
  for (const place of places) lower(place)
  let count = 0
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    const links = incoming.get(chain) ?? []
    while (links.length > 0 && links.at(-1)!.to.sequence >= lowest.get(chain)!) {
      lower(links.pop()!.origin)
      if (++count % pace === 0) yield breath
    }
  }
  return lowest
}

function* takeRange(index: AuthChainIndex, chain: number, from: number, to: number, into: EventId[]): Steps<void> {
  for (let sequence = from; sequence <= to; sequence++) {
    into.push(index.chains[chain]![sequence - 1]!)
    if (sequence % pace === 0) yield breath
  }
}

function heightOf({ own, common }: Reach, chain: number): number {
  return own.get(chain) ?? common.get(chain) ?? 0
}

function placeOf({ places }: AuthChainIndex, eventId: EventId): Place {
  const place = places.get(eventId)
  if (place === undefined) throw new RangeError(`${eventId} is not in the auth chain index`)
  return place
}
