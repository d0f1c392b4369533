import { selectAuthEvents } from '../../core/event-auth/select-auth-events.ts'
import { authEventIdsOf, prevEventIdsOf } from '../../core/pdu.ts'
import { headOf, loadRelated } from '../append.ts'
import { chainWith, findOn, newGroupOf } from '../draft.ts'
import type { Template } from '../graph.ts'
import type { DraftHead, Room } from '../room.ts'
import { need } from '../rooms.ts'
import { type Arriving, commitDecision, decide, usersOf } from './accept.ts'
import type { Incoming } from './check-incoming.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { targetOf } from './redactions.ts'

/**
 * Takes an event that stands right on top of the room as it is in memory, and cites what authorises it there: then the checks by auth events, by the
 * state before and by the current state are one. Whatever else has to be known of it, it is not for this way, and undefined comes back; otherwise what
 * tells whether it was committed, which need not be waited for before the next one is taken.
 */
export async function takeNext(
  tools: ReceiveTools,
  room: Room,
  event: Incoming,
): Promise<{ readonly committed: Promise<boolean> } | undefined> {
  const { select } = tools.database
  if (!isOnTop(headOf(room), event)) return undefined
  const { type, sender, content, redacts } = event.pdu
  const template: Template = { type, sender, content, ...(redacts ? { redacts } : {}) }
  const { targets, threads } = await loadRelated(select, [template], room)
  await need(select, room, tools.memberships, usersOf(event))
  const head = headOf(room)
  if (tools.rooms.peek(room.roomId) !== room || !isOnTop(head, event) || !isAuthorisedHere(room, head, event)) return undefined
  const target = targetOf(event, room.rules, targets)
  const arriving = { ...placeOn(room, head, event), here: tools.serverName, target, thread: threads.get(template), waiting: nothing }
  const decision = decide(room, head, arriving, new Map(), new Map())
  if (typeof decision === 'string' || Array.isArray(decision) || 'unsigned' in decision) return undefined
  // Whoever receives it anew after a failure meets the error again.
  const committed = commitDecision(tools, room, head, decision, arriving).catch(() => undefined)
  return { committed: committed.then((done) => done !== undefined) }
}

const nothing: Arriving['waiting'] = { seen: [], by: undefined }

function isOnTop({ extremities }: DraftHead, { pdu }: Incoming): boolean {
  const prevs = new Set<string>(prevEventIdsOf(pdu))
  return prevs.size === extremities.length && extremities.every((eventId) => prevs.has(eventId))
}

/** Whether the events that it cites in `auth_events` are exactly those that the current state has for it. */
function isAuthorisedHere(room: Room, head: DraftHead, { pdu }: Incoming): boolean {
  const find = findOn(room, head)
  const current = new Set<string>()
  for (const [type, stateKey] of selectAuthEvents(pdu, room.rules)) {
    const found = find(type, stateKey)
    if (found !== undefined) current.add(found.eventId)
  }
  const cited = authEventIdsOf(pdu)
  return cited.length === current.size && new Set<string>(cited).size === cited.length && cited.every((eventId) => current.has(eventId))
}

function placeOn(room: Room, head: DraftHead, event: Incoming): Omit<Arriving, 'here' | 'target' | 'thread' | 'waiting'> {
  const { eventId, pdu } = event
  const before = { stateGroup: head.stateGroup, writes: [] }
  const stateKey = pdu.state_key
  if (stateKey === undefined) {
    return { event, before, after: head.stateGroup, afterChain: head.chain, newGroup: undefined, replaces: undefined }
  }
  const afterChain = chainWith(head.chain, eventId)
  const newGroup = newGroupOf(head.chain, afterChain, [[pdu.type, stateKey, eventId]])
  return { event, before, after: eventId, afterChain, newGroup, replaces: findOn(room, head)(pdu.type, stateKey) }
}
