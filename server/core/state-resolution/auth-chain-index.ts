import type { EventId } from '../ids.ts'

/** A place in the index: a chain, and how far up that chain. Each event of a chain has the one below it in its auth chain. */
export type Place = { readonly chain: number; readonly sequence: number }

/** What the index keeps of one event: its place, and the places in other chains that it cites. */
export type Entry = Place & { readonly links: readonly Place[] }

/** A step from one chain to another: who reaches `from` in the chain that has the link reaches `to`. */
export type Link = { readonly from: number; readonly to: Place }

/**
 * The auth chains of a room as chains of events with links between them, so that questions about them cost what differs and not what there is.
 * It lives in memory and grows at its tips; a caller that keeps it gives every event's `Entry` back to `restore`, lower ones of a chain first.
 */
export type AuthChainIndex = {
  readonly places: Map<EventId, Place>
  /** Each chain's events; the first has sequence 1. */
  readonly chains: EventId[][]
  /** Each chain's links, by ascending `from`. */
  readonly links: Link[][]
  /** How far each chain's own links lead up each other chain. */
  readonly highest: Map<number, number>[]
}

/** An index without events. */
export function createAuthChainIndex(): AuthChainIndex {
  return { places: new Map(), chains: [], links: [], highest: [] }
}

/**
 * Adds an event after those that it cites in `auth_events`; what is to be kept of it. Undefined, and nothing done, if one of those is not
 * in the index yet. An event that is there already stays where it is.
 */
export function addToIndex(index: AuthChainIndex, eventId: EventId, authEventIds: readonly EventId[]): Entry | undefined {
  const known = index.places.get(eventId)
  if (known !== undefined) return entryAt(index, known)
  const cited: Place[] = []
  for (const authId of authEventIds) {
    const place = index.places.get(authId)
    if (place === undefined) return undefined
    cited.push(place)
  }
  const below = longestTip(index, cited)
  const chain = below?.chain ?? index.chains.length
  const entry = { chain, sequence: (below?.sequence ?? 0) + 1, links: linksFrom(index, chain, cited) }
  restore(index, eventId, entry)
  return entry
}

/** Puts an event back where it was. Throws a `RangeError` if what is below it in its chain is not there. */
export function restore(index: AuthChainIndex, eventId: EventId, { chain, sequence, links }: Entry): void {
  if (index.chains[chain] === undefined) begin(index, chain)
  const events = index.chains[chain]!
  if (events.length !== sequence - 1) throw new RangeError(`chain ${chain} has ${events.length} events, not ${sequence - 1}`)
  events.push(eventId)
  index.places.set(eventId, { chain, sequence })
  for (const to of links) {
    index.links[chain]!.push({ from: sequence, to })
    index.highest[chain]!.set(to.chain, to.sequence)
  }
}

function begin(index: AuthChainIndex, chain: number): void {
  index.chains[chain] = []
  index.links[chain] = []
  index.highest[chain] = new Map()
}

/** The first of a chain's links that begins at or above a sequence. */
export function firstLinkFrom(links: readonly Link[], sequence: number): number {
  let low = 0
  let high = links.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (links[middle]!.from < sequence) low = middle + 1
    else high = middle
  }
  return low
}

function entryAt({ links }: AuthChainIndex, { chain, sequence }: Place): Entry {
  const own = links[chain] ?? []
  const at = firstLinkFrom(own, sequence)
  return { chain, sequence, links: own.slice(at, firstLinkFrom(own, sequence + 1)).map(({ to }) => to) }
}

/** The cited event that is the last of its chain; of several the one whose chain is longest. */
function longestTip({ chains }: AuthChainIndex, cited: readonly Place[]): Place | undefined {
  let longest: Place | undefined
  for (const place of cited) {
    const isTip = chains[place.chain]!.length === place.sequence
    if (isTip && place.sequence > (longest?.sequence ?? 0)) longest = place
  }
  return longest
}

/** The highest place that is cited in each other chain, unless the events below in the own chain lead there already. */
function linksFrom({ highest }: AuthChainIndex, chain: number, cited: readonly Place[]): Place[] {
  const links = new Map<number, Place>()
  for (const place of cited) {
    const reached = links.get(place.chain)?.sequence ?? highest[chain]?.get(place.chain) ?? 0
    if (place.chain !== chain && place.sequence > reached) links.set(place.chain, place)
  }
  return [...links.values()]
}
