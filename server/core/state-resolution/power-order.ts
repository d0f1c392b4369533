import { compareCodePoints } from '../canonical-json.ts'
import { powerScope, userPower } from '../event-auth/power-levels.ts'
import type { EventId } from '../ids.ts'
import { authEventIdsOf, createIdOf } from '../pdu.ts'
import type { RoomRules } from '../room-versions.ts'
import { pop, push } from './heap.ts'
import { breath, type KnownEvent, pace, type ReadEvent, type Steps } from './steps.ts'

type Ranked = { readonly event: KnownEvent; readonly power: number; waitsFor: number; readonly citedBy: Ranked[] }

/** Whether a state event might remove someone's ability to do something in the room. */
export function isPowerEvent({ pdu }: KnownEvent): boolean {
  // A power event is a state event with type m.room.power_levels or m.room.join_rules, …
  if (pdu.type === 'm.room.power_levels' || pdu.type === 'm.room.join_rules') return pdu.state_key === ''
  // … or a state event with type m.room.member where the membership is leave or ban and the sender does not match the state_key.
  if (pdu.type !== 'm.room.member' || pdu.sender === pdu.state_key) return false
  return pdu.content['membership'] === 'leave' || pdu.content['membership'] === 'ban'
}

/**
 * The power events of the full conflicted set and what they cite of it, in reverse topological power ordering. Events that cite each other in a
 * ring, as those of versions 1 and 2 can, are left out. https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* orderByPower(
  fullConflictedSet: ReadonlyMap<EventId, KnownEvent>,
  rules: RoomRules,
  readEvent: ReadEvent,
): Steps<KnownEvent[]> {
  const ready: Ranked[] = []
  let count = 0
  for (const ranked of yield* gather(fullConflictedSet, rules, readEvent)) {
    if (ranked.waitsFor === 0) push(ready, ranked, compare)
    if (++count % pace === 0) yield breath
  }
  const ordered: KnownEvent[] = []
  for (;;) {
    const next = pop(ready, compare)
    if (next === undefined) return ordered
    ordered.push(next.event)
    for (const citing of next.citedBy) if (--citing.waitsFor === 0) push(ready, citing, compare)
    if (++count % pace === 0) yield breath
  }
}

function* gather(set: ReadonlyMap<EventId, KnownEvent>, rules: RoomRules, readEvent: ReadEvent): Steps<Iterable<Ranked>> {
  const gathered = new Map<EventId, Ranked>()
  const open: Ranked[] = []
  const take = (event: KnownEvent): Ranked => {
    const known = gathered.get(event.eventId)
    if (known !== undefined) return known
    const ranked: Ranked = { event, power: senderPower(event, rules, readEvent), waitsFor: 0, citedBy: [] }
    gathered.set(event.eventId, ranked)
    open.push(ranked)
    return ranked
  }
  let count = 0
  for (const event of set.values()) {
    if (isPowerEvent(event)) take(event)
    if (++count % pace === 0) yield breath
  }
  for (let ranked = open.pop(); ranked !== undefined; ranked = open.pop()) {
    // For each such power event P, enlarge X by adding the events in the auth chain of P which also belong to the full conflicted set.
    // An auth chain that leaves the set is not followed further, and is none here: so do all servers in use, which is to be agreed with.
    for (const authId of new Set(authEventIdsOf(ranked.event.pdu))) {
      const cited = set.get(authId)
      if (cited === undefined) continue
      take(cited).citedBy.push(ranked)
      ranked.waitsFor++
    }
    if (++count % pace === 0) yield breath
  }
  return gathered.values()
}

/** The power level of an event's sender, when looking at its auth_events. */
function senderPower({ pdu }: KnownEvent, rules: RoomRules, readEvent: ReadEvent): number {
  const cited = authEventIdsOf(pdu).map((authId) => readEvent(authId)?.pdu)
  const create = rules.roomIdIsCreateHash && pdu.room_id !== undefined ? readEvent(createIdOf(pdu.room_id))?.pdu : undefined
  const readState = (type: string, stateKey: string) =>
    [...cited, create].find((authEvent) => authEvent?.type === type && authEvent.state_key === stateKey)
  return userPower(powerScope(readState, rules), pdu.sender)
}

function compare(x: Ranked, y: Ranked): number {
  // x < y if x's sender has greater power level than y's sender, when looking at their respective auth_events; or …
  if (x.power !== y.power) return x.power > y.power ? -1 : 1
  return compareByTime(x.event, y.event)
}

/** Orders two events by `origin_server_ts`, then by `event_id`. */
export function compareByTime(x: KnownEvent, y: KnownEvent): number {
  // … x's origin_server_ts is less than y's origin_server_ts; or …
  const ts = x.pdu.origin_server_ts - y.pdu.origin_server_ts
  // … the events have the same origin_server_ts, but x's event_id is less than y's event_id.
  return ts === 0 ? compareCodePoints(x.eventId, y.eventId) : ts
}
