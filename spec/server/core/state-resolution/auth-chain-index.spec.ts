import { expect } from 'chai'
import type { EventId } from '../../../../server/core/ids.ts'
import { addToIndex, createAuthChainIndex, type Entry, restore } from '../../../../server/core/state-resolution/auth-chain-index.ts'
import { authDifference, conflictedSubgraph } from '../../../../server/core/state-resolution/auth-chain-queries.ts'
import { finish } from '../../../../server/core/state-resolution/steps.ts'
import { randomNumbers } from '../../../support/random-json.ts'

type Graph = Map<EventId, readonly EventId[]>

/** A graph in which each event cites up to four before it, mostly recent ones. */
function randomGraph(random: () => number, size: number): Graph {
  const graph: Graph = new Map()
  const ids: EventId[] = []
  while (ids.length < size) {
    const reach = random() < 0.7 ? 6 : ids.length
    const cited = Array.from(
      { length: ids.length === 0 ? 0 : Math.ceil(random() * 4) },
      () => ids.at(-1 - Math.floor(random() * Math.min(reach, ids.length)))!,
    )
    graph.set(`$${ids.length}`, [...new Set(cited)])
    ids.push(`$${ids.length}`)
  }
  return graph
}

function indexOf(graph: Graph) {
  const index = createAuthChainIndex()
  for (const [eventId, cited] of graph) addToIndex(index, eventId, cited)
  return index
}

/** The walk that the index saves. */
function walk(graph: Graph, eventIds: Iterable<EventId>): Set<EventId> {
  const found = new Set<EventId>()
  const open = [...eventIds].flatMap((eventId) => graph.get(eventId)!)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...graph.get(next)!)
  }
  return found
}

function walkDifference(graph: Graph, sets: readonly EventId[][]): EventId[] {
  const chains = sets.map((set) => new Set([...set, ...walk(graph, set)]))
  return [...graph.keys()].filter((eventId) => chains.some((chain) => chain.has(eventId)) && !chains.every((chain) => chain.has(eventId)))
}

function walkSubgraph(graph: Graph, eventIds: readonly EventId[]): EventId[] {
  const below = new Set([...eventIds, ...walk(graph, eventIds)])
  return [...below].filter((one) => eventIds.includes(one) || eventIds.some((eventId) => walk(graph, [one]).has(eventId)))
}

describe('the auth chain index', () => {
  const draw = (random: () => number, graph: Graph) => [...graph.keys()].filter(() => random() < 4 / graph.size)

  it('tells the auth difference that a walk finds', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomNumbers(seed)
      const graph = randomGraph(random, 5 + Math.floor(random() * 60))
      const index = indexOf(graph)
      for (let round = 0; round < 5; round++) {
        const common = draw(random, graph)
        const sets = Array.from({ length: 1 + Math.floor(random() * 4) }, () => draw(random, graph))
        const expected = walkDifference(
          graph,
          sets.map((set) => [...set, ...common]),
        )
        expect(finish(authDifference(index, sets, common)), `seed ${seed}`).to.have.members(expected)
        expect(finish(authDifference(index, sets)), `seed ${seed}`).to.have.members(walkDifference(graph, sets))
      }
    }
  })

  it('tells the conflicted state subgraph that a walk finds', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomNumbers(seed)
      const graph = randomGraph(random, 5 + Math.floor(random() * 60))
      const index = indexOf(graph)
      for (let round = 0; round < 5; round++) {
        const conflicted = draw(random, graph)
        expect(finish(conflictedSubgraph(index, conflicted)), `seed ${seed}`).to.have.members(walkSubgraph(graph, conflicted))
      }
    }
  })

  it('is made again from what it gave to keep', () => {
    const random = randomNumbers(11)
    const graph = randomGraph(random, 200)
    const index = createAuthChainIndex()
    const kept: [EventId, Entry][] = [...graph].map(([eventId, cited]) => [eventId, addToIndex(index, eventId, cited)!])
    const again = createAuthChainIndex()
    for (const [eventId, entry] of kept.toSorted(([, a], [, b]) => a.sequence - b.sequence)) restore(again, eventId, entry)
    expect(again).to.deep.equal(index)
    expect(() => restore(again, '$x', { chain: 0, sequence: 1, links: [] })).to.throw(RangeError)
  })

  it('leaves an event where it is that is added again, and tells the same of it', () => {
    const graph = randomGraph(randomNumbers(3), 80)
    const index = createAuthChainIndex()
    const entries = [...graph].map(([eventId, cited]) => addToIndex(index, eventId, cited))
    const before = structuredClone(index)
    expect([...graph].map(([eventId, cited]) => addToIndex(index, eventId, cited))).to.deep.equal(entries)
    expect(index).to.deep.equal(before)
  })

  it('takes no event that cites one it does not have', () => {
    const index = createAuthChainIndex()
    addToIndex(index, '$0', [])
    expect(addToIndex(index, '$2', ['$0', '$1'])).to.equal(undefined)
    expect(index.places.has('$2')).to.equal(false)
    expect(() => finish(authDifference(index, [['$2'], ['$0']]))).to.throw(RangeError, '$2 is not in the auth chain index')
  })

  it('keeps few links where many events cite the same', () => {
    const index = createAuthChainIndex()
    addToIndex(index, '$create', [])
    addToIndex(index, '$alice', ['$create'])
    addToIndex(index, '$levels-0', ['$create', '$alice'])
    for (let at = 1; at <= 500; at++) addToIndex(index, `$levels-${at}`, ['$create', '$alice', `$levels-${at - 1}`])
    expect(index.chains.length).to.equal(1)
    expect(index.links.flat()).to.deep.equal([])
    for (let at = 0; at < 500; at++) addToIndex(index, `$member-${at}`, ['$create', '$alice', `$levels-${at}`])
    expect(index.links.flat().length).to.be.at.most(500)
    const before = index.links.flat().length
    for (let at = 0; at < 500; at++)
      addToIndex(index, `$bob-${at}`, ['$create', '$levels-7', ...(at === 0 ? [] : [`$bob-${at - 1}` as const])])
    expect(index.links.flat().length).to.equal(before + 1)
  })

  it('looks at what differs, and not at what all states have in common', () => {
    const index = createAuthChainIndex()
    addToIndex(index, '$create', [])
    addToIndex(index, '$levels', ['$create'])
    const members = Array.from({ length: 5_000 }, (_, at): EventId => `$member-${at}`)
    for (const member of members) addToIndex(index, member, ['$create', '$levels'])
    addToIndex(index, '$ban', ['$levels', '$member-1'])
    const reads = new Set<number>()
    const links = new Proxy(index.links, {
      get: (target, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads.add(Number(key))
        return Reflect.get(target, key)
      },
    })
    expect(finish(conflictedSubgraph({ ...index, links }, ['$ban', '$levels']))).to.have.members(['$ban', '$levels', '$member-1'])
    expect(reads.size).to.be.at.most(4)
  })
})
