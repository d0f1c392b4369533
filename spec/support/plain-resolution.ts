import { createHash } from 'node:crypto'
import { checkAuthRules } from '../../server/core/event-auth/check-auth-rules.ts'
import { powerScope, userPower } from '../../server/core/event-auth/power-levels.ts'
import type { EventId } from '../../server/core/ids.ts'
import type { Pdu } from '../../server/core/pdu.ts'
import type { RoomRules } from '../../server/core/room-versions.ts'
import type { StateMap } from '../../server/core/state-resolution/conflict.ts'
import type { KnownEvent } from '../../server/core/state-resolution/steps.ts'

/**
 * State resolution as its text reads, with no thought for speed: whole auth chains as sets, every order by looking for the least again and
 * again. It is what the real one is compared with.
 */
export class PlainResolution {
  private readonly rules: RoomRules
  private readonly events: ReadonlyMap<EventId, KnownEvent>
  private readonly chains = new Map<EventId, Set<EventId>>()

  constructor(rules: RoomRules, events: ReadonlyMap<EventId, KnownEvent>) {
    this.rules = rules
    this.events = events
  }

  resolve(states: readonly StateMap[]): StateMap {
    return this.rules.stateResolution === 'v1' ? this.resolveV1(states) : this.resolveV2(states)
  }

  /** Every event that `auth_events` lead to from an event. */
  authChain(eventId: EventId): Set<EventId> {
    const known = this.chains.get(eventId)
    if (known !== undefined) return known
    const chain = new Set<EventId>()
    for (const cited of this.cited(eventId)) for (const one of [cited, ...this.authChain(cited)]) chain.add(one)
    this.chains.set(eventId, chain)
    return chain
  }

  authDifference(states: readonly StateMap[]): Set<EventId> {
    // A state's own events count as in its auth chain: so do most servers of the network.
    const chains = states.map((state) => new Set([...state.values()].flatMap((eventId) => [eventId, ...this.authChain(eventId)])))
    const all = new Set(chains.flatMap((chain) => [...chain]))
    return new Set([...all].filter((eventId) => !chains.every((chain) => chain.has(eventId))))
  }

  subgraph(conflicted: ReadonlySet<EventId>): Set<EventId> {
    const isOnPath = (eventId: EventId) =>
      [...conflicted].some((from) => from === eventId || this.authChain(from).has(eventId)) &&
      [...conflicted].some((to) => to === eventId || this.authChain(eventId).has(to))
    return new Set([...this.events.keys()].filter(isOnPath))
  }

  private cited(eventId: EventId): EventId[] {
    return (this.events.get(eventId)!.pdu.auth_events as readonly (EventId | [EventId, object])[]).map((one) =>
      Array.isArray(one) ? one[0] : one,
    )
  }

  private pdu(eventId: EventId): Pdu {
    return this.events.get(eventId)!.pdu
  }

  private separate(states: readonly StateMap[]): { unconflicted: Map<string, EventId>; conflicted: Set<EventId> } {
    const unconflicted = new Map<string, EventId>()
    const conflicted = new Set<EventId>()
    for (const key of new Set(states.flatMap((state) => [...state.keys()]))) {
      const values = states.map((state) => state.get(key))
      if (values.every((value) => value === values[0])) unconflicted.set(key, values[0]!)
      else for (const value of values) if (value !== undefined) conflicted.add(value)
    }
    return { unconflicted, conflicted }
  }

  private resolveV2(states: readonly StateMap[]): StateMap {
    const { unconflicted, conflicted } = this.separate(states)
    const isV2 = this.rules.stateResolution === 'v2'
    const full = new Set([...conflicted, ...this.authDifference(states), ...(isV2 ? [] : this.subgraph(conflicted))])
    const x = new Set([...full].filter((eventId) => this.isPower(eventId)))
    // What of the auth chain is reached through the full conflicted set itself, as the servers of the network do it.
    for (const eventId of x) for (const one of this.cited(eventId)) if (full.has(one)) x.add(one)
    const state = new Map(isV2 ? unconflicted : [])
    this.check(this.sortByPower(x), state)
    const mainline = this.mainline(state.get('m.room.power_levels\0'))
    this.check(this.sortByMainline(new Set([...full].filter((eventId) => !x.has(eventId))), mainline), state)
    return new Map([...state, ...unconflicted])
  }

  private isPower(eventId: EventId): boolean {
    const { type, state_key: key, sender, content } = this.pdu(eventId)
    if (['m.room.power_levels', 'm.room.join_rules'].includes(type)) return key === ''
    return type === 'm.room.member' && ['leave', 'ban'].includes(content['membership'] as string) && sender !== key
  }

  private power(eventId: EventId): number {
    const cited = this.cited(eventId).map((one) => this.pdu(one))
    const create = [...this.events.values()].find(({ pdu }) => pdu.type === 'm.room.create')!.pdu
    const readState = (type: string, key: string) =>
      type === 'm.room.create' ? create : cited.find((one) => one.type === type && one.state_key === key)
    return userPower(powerScope(readState, this.rules), this.pdu(eventId).sender)
  }

  private isEarlier(x: EventId, y: EventId): boolean {
    const [a, b] = [this.pdu(x).origin_server_ts, this.pdu(y).origin_server_ts]
    return a === b ? x < y : a < b
  }

  private sortByPower(set: ReadonlySet<EventId>): EventId[] {
    const left = new Set(set)
    const sorted: EventId[] = []
    while (left.size > 0) {
      const candidates = [...left].filter((eventId) => !this.cited(eventId).some((cited) => left.has(cited)))
      let least = candidates[0]!
      for (const one of candidates) {
        const [a, b] = [this.power(one), this.power(least)]
        if (a > b || (a === b && this.isEarlier(one, least))) least = one
      }
      sorted.push(least)
      left.delete(least)
    }
    return sorted
  }

  private levelsBefore(eventId: EventId): EventId | undefined {
    return this.cited(eventId).find((one) => this.pdu(one).type === 'm.room.power_levels' && this.pdu(one).state_key === '')
  }

  private mainline(levels: EventId | undefined): EventId[] {
    return levels === undefined ? [] : [levels, ...this.mainline(this.levelsBefore(levels))]
  }

  private position(eventId: EventId, mainline: readonly EventId[]): number {
    const before = this.levelsBefore(eventId)
    if (before === undefined) return Number.POSITIVE_INFINITY
    return mainline.includes(before) ? mainline.indexOf(before) : this.position(before, mainline)
  }

  private sortByMainline(set: ReadonlySet<EventId>, mainline: readonly EventId[]): EventId[] {
    const isBefore = (x: EventId, y: EventId) => {
      const [a, b] = [this.position(x, mainline), this.position(y, mainline)]
      return a === b ? this.isEarlier(x, y) : a > b
    }
    return [...set].sort((x, y) => (isBefore(x, y) ? -1 : 1))
  }

  private check(sorted: readonly EventId[], state: Map<string, EventId>): void {
    for (const eventId of sorted) {
      const event = this.pdu(eventId)
      const fallback = new Map<string, Pdu>()
      const isCreate = ({ pdu }: KnownEvent) => pdu.type === 'm.room.create'
      const known = [...this.cited(eventId).map((one) => this.events.get(one)!), ...[...this.events.values()].filter(isCreate)]
      for (const { pdu, rejected } of known) if (!rejected) fallback.set(`${pdu.type}\0${pdu.state_key}`, pdu)
      const readState = (type: string, key: string) => {
        const at = state.get(`${type}\0${key}`)
        return at === undefined ? fallback.get(`${type}\0${key}`) : this.pdu(at)
      }
      if (checkAuthRules(event, this.rules, readState, () => true).allowed) state.set(`${event.type}\0${event.state_key}`, eventId)
    }
  }

  private resolveV1(states: readonly StateMap[]): StateMap {
    const keys = [...new Set(states.flatMap((state) => [...state.keys()]))]
    const idsAt = (key: string) => [...new Set(states.flatMap((state) => state.get(key) ?? []))]
    const r = new Map(keys.filter((key) => idsAt(key).length === 1).map((key) => [key, idsAt(key)[0]!]))
    const conflicts = keys.filter((key) => idsAt(key).length > 1)
    const sha1 = (eventId: EventId) => createHash('sha1').update(eventId).digest('hex')
    const depth = (eventId: EventId) => Number(this.pdu(eventId).depth)
    const sorted = (key: string) => idsAt(key).sort((x, y) => (depth(x) === depth(y) ? (sha1(x) > sha1(y) ? -1 : 1) : depth(x) - depth(y)))
    const isAllowed = (eventId: EventId, state: StateMap) =>
      checkAuthRules(this.pdu(eventId), this.rules, (type, key) => {
        const at = state.get(`${type}\0${key}`)
        return at === undefined ? undefined : this.pdu(at)
      }).allowed
    for (const type of ['m.room.power_levels', 'm.room.join_rules', 'm.room.member']) {
      const before = new Map(r)
      for (const key of conflicts.filter((one) => (type === 'm.room.power_levels' ? one === `${type}\0` : one.startsWith(`${type}\0`)))) {
        const [first, ...others] = sorted(key)
        let last = first!
        for (const eventId of others) {
          if (!isAllowed(eventId, new Map(before).set(key, last))) break
          last = eventId
        }
        r.set(key, last)
      }
    }
    const settled = new Map(r)
    for (const key of conflicts.filter((one) => !settled.has(one))) {
      const list = sorted(key).reverse()
      r.set(key, list.find((eventId) => isAllowed(eventId, settled)) ?? list.at(-1)!)
    }
    return r
  }
}
