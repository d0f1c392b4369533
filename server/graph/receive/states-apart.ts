import { setImmediate as breathe } from 'node:timers/promises'
import type { EventId } from '../../core/ids.ts'
import type { Shared } from '../../core/state-resolution/resolve-states.ts'
import type { PastStates } from '../state-at.ts'
import type { Layers, StateMap } from './layers.ts'

/** States of a room as what all of them have, and what each has at those places where they differ. */
export type Apart = { readonly shared: Shared; readonly own: readonly StateMap[] }

type Tools = { readonly past: Pick<PastStates, 'chain'>; readonly layers: Layers }
/** A state as the layers that it is made of, the uppermost first. */
type Layered = readonly StateMap[]

const looksInTurn = 5000

/** Takes states apart by their groups. What they have below in common is not compared; other work is done all along. */
export async function takeApart({ past, layers }: Tools, stateGroups: readonly string[]): Promise<Apart> {
  const chains: (readonly string[])[] = []
  const states: Layered[] = []
  for (const stateGroup of stateGroups) {
    const chain = await past.chain(stateGroup)
    const state: StateMap[] = []
    for (const link of chain) state.push(await layers.read(link))
    chains.push(chain)
    states.push(state)
    await breathe()
  }
  const foot = chains[0]?.find((link) => chains.every((chain) => chain.includes(link)))
  const tops = states.map((state, at) => (foot === undefined ? state : state.slice(0, chains[at]?.indexOf(foot))))
  const differing = await differingPlaces(states, tops)
  return { shared: sharedBy(states[0] ?? [], differing), own: await ownOf(states, differing) }
}

/** The places where not all states have the same event; each that differs stands in the top of one of them. */
async function differingPlaces(states: readonly Layered[], tops: readonly Layered[]): Promise<Set<string>> {
  const [first = [], ...others] = states
  const looked = new Set<string>()
  const differing = new Set<string>()
  let looks = 0
  for (const layer of new Set(tops.flat())) {
    for (const key of layer.keys()) {
      if (!looked.has(key)) {
        looked.add(key)
        const eventId = at(first, key)
        if (others.some((state) => at(state, key) !== eventId)) differing.add(key)
        looks += states.length
      }
      if (++looks < looksInTurn) continue
      looks = 0
      await breathe()
    }
  }
  return differing
}

async function ownOf(states: readonly Layered[], differing: ReadonlySet<string>): Promise<StateMap[]> {
  const all: StateMap[] = []
  let looks = 0
  for (const state of states) {
    const own = new Map<string, EventId>()
    for (const key of differing) {
      const eventId = at(state, key)
      if (eventId !== undefined) own.set(key, eventId)
      if (++looks % looksInTurn === 0) await breathe()
    }
    all.push(own)
  }
  return all
}

function sharedBy(state: Layered, differing: ReadonlySet<string>): Shared {
  return {
    get: (key) => (differing.has(key) ? undefined : at(state, key)),
    *values() {
      for (const [depth, layer] of state.entries()) {
        for (const [key, eventId] of layer) {
          if (!differing.has(key) && !state.slice(0, depth).some((upper) => upper.has(key))) yield eventId
        }
      }
    },
  }
}

function at(state: Layered, key: string): EventId | undefined {
  for (const layer of state) {
    const eventId = layer.get(key)
    if (eventId !== undefined) return eventId
  }
  return undefined
}
