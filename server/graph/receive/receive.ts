import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import { selectAuthEvents } from '../../core/event-auth/select-auth-events.ts'
import type { RoomId } from '../../core/ids.ts'
import { prevEventIdsOf, type ReadState } from '../../core/pdu.ts'
import type { Received } from '../graph.ts'
import { askAbout } from '../policy/ask-beforehand.ts'
import { stateKeyOf } from '../room.ts'
import { acceptEvent, keepAside } from './accept.ts'
import { checkByAuthEvents, isUnder } from './auth-events.ts'
import { withBudget } from './budget.ts'
import type { Incoming } from './check-incoming.ts'
import { fetchMissingEvents, type Source } from './fetch-missing.ts'
import { inOrder, reachable } from './in-order.ts'
import { loadStored } from './known-events.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { knowAuthEvents, stateBefore } from './state-before.ts'
import { selectMissing, selectMissingAmong } from './stored.store.ts'

const otherBeginning = 'the event belongs to another beginning of the room'

/** News, for which what lies in between is asked for, or news that this server is to pass on; what was asked for; or what was asked for of the past. */
export type Kind = 'news' | 'handed' | 'between' | 'history'

/**
 * The checks on receipt of a PDU, from the fourth on: the first three made it an `Incoming`.
 * https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export async function receiveOne(tools: ReceiveTools, from: Source, given: Incoming, kind: Kind): Promise<Received> {
  const opening = (await tools.rooms.load(from.roomId))?.state.get(stateKeyOf('m.room.create', ''))?.eventId
  const source = withBudget({ ...from, opening })
  const stored = (await loadStored(tools.database.select, [given.eventId])).get(given.eventId)
  if (stored !== undefined && !stored.outlier) return 'known'
  // What is here of it beside the room is no less than what is left of it.
  const event = stored !== undefined && given.isPruned ? { ...given, pdu: stored.pdu } : given
  const { eventId, pdu, signedBy } = event
  if (!isUnder(opening, source.rules, event)) return { dropped: otherBeginning }
  if (kind === 'news' || kind === 'handed') {
    const gap = await catchUp(tools, source, event)
    if (gap !== undefined) return { dropped: gap }
  }
  const before = await stateBefore(tools, source, event)
  if (before === undefined) return { dropped: 'the events before it could not be had' }
  // 4. Passes authorisation rules based on the event's auth events, otherwise it is rejected.
  const authEvents = await knowAuthEvents(tools, source, event)
  const byAuthEvents = checkByAuthEvents(event, source.rules, (id) => authEvents.get(id))
  if (byAuthEvents === undefined) return { dropped: 'the events that authorise it could not be had' }
  const isPast = kind === 'history'
  if (!byAuthEvents.allowed) return keepAside(tools, source, event, before, { rejected: byAuthEvents.reason, isPast })
  // 5. Passes authorisation rules based on the state before the event, otherwise it is rejected.
  const readBefore = await readStateAt(tools, before.stateGroup, event, source)
  const byState = checkAuthRules(pdu, source.rules, readBefore, (server) => signedBy.has(server))
  if (!byState.allowed) return keepAside(tools, source, event, before, { rejected: byState.reason, isPast })
  // What was asked for of the past has its place there, and changes nothing now.
  if (isPast) return keepAside(tools, source, event, before, 'history')
  // 6. Passes authorisation rules based on the current state of the room, otherwise it is soft-failed.
  // What it changes was not seen where it was cited, whatever state came along then: that of a state event counts however late it comes.
  const isCited = pdu.state_key === undefined && (await tools.database.selectOne(selectMissing, source.roomId, eventId)) !== undefined
  return acceptEvent(tools, source, event, before, { passOn: kind === 'handed', isCited })
}

/** Asks the origin for what lies between what we have and this event; in words why what it gave is of no use. */
async function catchUp(tools: ReceiveTools, source: Source, event: Incoming): Promise<string | undefined> {
  const prevs = prevEventIdsOf(event.pdu)
  const known = await loadStored(tools.database.select, prevs)
  if (prevs.every((prev) => known.get(prev)?.outlier === false)) return undefined
  const room = await tools.rooms.load(source.roomId)
  const between = await fetchMissingEvents(tools, source, [event.eventId], room?.extremities ?? [])
  if (between === 'malformed') return 'there are malformed events before it'
  const missing = await missingOf(tools, source.roomId, event, between)
  if (room !== undefined) await askAbout(tools, room, missing.events, source.budget?.signal())
  for (const earlier of inOrder(missing.events)) {
    const received = await receiveOne(tools, source, earlier, missing.past.has(earlier) ? 'history' : 'between')
    if (typeof received === 'object' && 'dropped' in received && prevs.includes(earlier.eventId)) return received.dropped
  }
  return undefined
}

/**
 * Of events of an answer, those that lie before an event and are not here. Those in the `past` lie before what is here too: the room does not stand on
 * them, however late they come. Whoever answers may not have what we have, and goes on to the room's beginning.
 */
async function missingOf(
  { database }: ReceiveTools,
  roomId: RoomId,
  { eventId, pdu }: Incoming,
  answer: readonly Incoming[],
): Promise<{ readonly events: readonly Incoming[]; readonly past: ReadonlySet<Incoming> }> {
  const ids = answer.map((one) => one.eventId)
  const here = await loadStored(database.select, ids)
  const others = answer.filter((one) => one.eventId !== eventId && here.get(one.eventId)?.outlier !== false)
  const cited = new Set((await database.select(selectMissingAmong, roomId, ids)).map((row) => row.event_id))
  const before = others.filter((one) => cited.has(one.eventId)).flatMap((one) => prevEventIdsOf(one.pdu))
  return { events: reachable(others, prevEventIdsOf(pdu)), past: new Set(reachable(others, before)) }
}

/** Those places of a state that the rules look at for an event. */
async function readStateAt({ past }: ReceiveTools, stateGroup: string, { pdu }: Incoming, { rules }: Source): Promise<ReadState> {
  const wanted = [...selectAuthEvents(pdu, rules), ['m.room.create', ''] as const]
  const found = await Promise.all(wanted.map(([type, stateKey]) => past.entry(stateGroup, type, stateKey)))
  const state = new Map(
    found.flatMap((event) => (event ? [[stateKeyOf(event.pdu.type, event.pdu.state_key ?? ''), event.pdu] as const] : [])),
  )
  return (type, stateKey) => state.get(stateKeyOf(type, stateKey))
}
