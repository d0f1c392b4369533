import { defaultEffect } from '../../core/default-effect.ts'
import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import { referenceOf } from '../../core/hashes.ts'
import type { EventId, RoomId } from '../../core/ids.ts'
import { forbidden, unreachable, unsupportedRoomVersion } from '../../core/matrix-error.ts'
import { authEventIdsOf, prevEventIdsOf, type ReadState } from '../../core/pdu.ts'
import { type RoomRules, roomRules } from '../../core/room-versions.ts'
import { type Write, write } from '../../storage/database.ts'
import { headOf } from '../append.ts'
import { groupWrites } from '../commit.ts'
import { chainWith, type Decision, newGroupOf } from '../draft.ts'
import type { Entering } from '../graph.ts'
import { type DraftHead, type Room, type StateChange, stateKeyOf } from '../room.ts'
import { emptyRoom, refresh } from '../rooms.ts'
import { checkByAuthEvents, isUnder, outlierWrite, storeOutliers } from './auth-events.ts'
import { checkIncoming, type Incoming } from './check-incoming.ts'
import { commitOn } from './commit-on.ts'
import { keepNames } from './event-names.ts'
import { checkAll, type Source } from './fetch-missing.ts'
import { depthOf, loadStored, type Stored } from './known-events.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { keepState } from './state-before.ts'
import { deleteMissing, insertMissing } from './stored.store.ts'

const pageSize = 500
const mostTries = 20

/**
 * Takes over a room that one of our users has joined over another server: every event of its state is checked as any that is received, and then it is
 * as if the room had always been here from that state on. 502 M_UNKNOWN when what the server gave is no room; 403 M_FORBIDDEN when its rules refuse
 * the join. https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function enterRoom(tools: ReceiveTools, { origin, roomId, version, event, state, authChain }: Entering): Promise<EventId> {
  const rules = roomRules(version)
  if (rules === undefined) throw unsupportedRoomVersion()
  const source: Source = { origin, roomId, rules }
  const join = await checkIncoming(tools.keyRing, rules, roomId, event)
  if (typeof join === 'string') throw unreachable(`the join that ${origin} gave back is none: ${join}`)
  if ((await keepNames(tools, rules, [join])).length === 0) throw unreachable(`the join that ${origin} gave back is another one`)
  if (await isFollowed(tools, roomId)) return takeJoin(tools, source, join)
  const chain = await checkAll(tools, source, authChain)
  const given = await checkAll(tools, source, state)
  const known = await storeOutliers(tools, rules, roomId, [...chain, ...given])
  const opening = authEventIdsOf(join.pdu).find((eventId) => known.get(eventId)?.pdu.type === 'm.room.create')
  const before = await stateOf(tools, { ...source, opening }, given)
  checkJoin(join, rules, before, (id) => known.get(id))
  const below = await keepState(
    tools,
    roomId,
    [...before.values()].map(({ eventId }) => eventId),
  )
  await takeOver(tools, source, join, { stateGroup: below, state: before })
  return join.eventId
}

/** Whether this server is in the room: somebody else of it may have joined meanwhile. */
async function isFollowed(tools: ReceiveTools, roomId: RoomId): Promise<boolean> {
  const room = await tools.rooms.load(roomId)
  if (room !== undefined && tools.database.shared) await refresh(tools.database.select, room, tools.memberships)
  return room?.servers.has(tools.serverName) === true
}

/** A server that is in the room takes a join as it takes any event. */
async function takeJoin(tools: ReceiveTools, source: Source, join: Incoming): Promise<EventId> {
  const received = await receiveOne(tools, source, join, 'news')
  if (received !== 'accepted' && received !== 'known') throw forbidden('the room does not allow the join')
  return join.eventId
}

/** The state that counts: events of this room that their auth events allow. */
async function stateOf(
  { database }: ReceiveTools,
  { roomId, rules, opening }: Source,
  given: readonly Incoming[],
): Promise<Map<string, Stored>> {
  const state = new Map<string, Stored>()
  const ids = given.map(({ eventId }) => eventId)
  for (let from = 0; from < ids.length; from += pageSize) {
    for (const stored of (await loadStored(database.select, ids.slice(from, from + pageSize))).values()) {
      const { type, state_key } = stored.pdu
      if (state_key === undefined || stored.rejected || stored.roomId !== roomId || !isUnder(opening, rules, stored)) continue
      state.set(stateKeyOf(type, state_key), stored)
    }
  }
  return state
}

function checkJoin(
  join: Incoming,
  rules: RoomRules,
  state: ReadonlyMap<string, Stored>,
  find: Parameters<typeof checkByAuthEvents>[2],
): void {
  if (!state.has(stateKeyOf('m.room.create', ''))) throw unreachable('the server gave a room without a create event')
  const byId = new Map([...state.values()].map((stored) => [stored.eventId, stored]))
  const byAuthEvents = checkByAuthEvents(join, rules, (id) => find(id) ?? byId.get(id))
  if (byAuthEvents === undefined) throw unreachable('the server did not give the events that authorise the join')
  const readState: ReadState = (type, stateKey) => state.get(stateKeyOf(type, stateKey))?.pdu
  const byState = checkAuthRules(join.pdu, rules, readState, (server) => join.signedBy.has(server))
  for (const verdict of [byAuthEvents, byState]) if (!verdict.allowed) throw forbidden(verdict.reason)
}

type Base = { readonly stateGroup: string; readonly state: ReadonlyMap<string, Stored> }

/** The room's head becomes the join, whatever it was before: nobody of this server has followed the room meanwhile. */
async function takeOver(tools: ReceiveTools, { origin, roomId, rules }: Source, join: Incoming, base: Base): Promise<void> {
  const { eventId, pdu } = join
  const below = [{ stateGroup: base.stateGroup, ordinal: 1 }]
  const chain = chainWith(below, eventId)
  const newGroup = newGroupOf(below, chain, [[pdu.type, pdu.state_key ?? '', eventId]])
  await tools.database.commit({ writes: [outlierWrite(roomId, rules, join, false), ...groupWrites(roomId, newGroup)] })
  const writes = await writesOf(tools, roomId, join)
  for (let tries = 0; tries < mostTries; tries++) {
    const known = await tools.rooms.load(roomId)
    const room = known ?? emptyRoom(roomId, rules)
    if (known && tools.database.shared) await refresh(tools.database.select, room, tools.memberships)
    if (known?.servers.has(tools.serverName)) {
      await takeJoin(tools, { origin, roomId, rules }, join)
      return
    }
    const head = headOf(room)
    await tools.database.commit({ writes: [] })
    const changes = known ? await tools.states.changes(head.stateGroup, eventId) : changesOfAll(join, base)
    if (known && (tools.rooms.peek(roomId) !== room || headOf(room) !== head)) continue
    const decision: Decision = { events: [decidedOf(join, head, changes, base)], head: headAfter(join, head, chain, changes, rules) }
    if (await commitOn(tools, room, head, decision, { writes })) return
  }
  throw new Error('a room moves on faster than it can be entered')
}

function changesOfAll({ eventId, pdu }: Incoming, { state }: Base): StateChange[] {
  const all = new Map<string, StateChange>()
  for (const [key, stored] of state) {
    all.set(key, { type: stored.pdu.type, stateKey: stored.pdu.state_key ?? '', event: { eventId: stored.eventId, pdu: stored.pdu } })
  }
  all.set(stateKeyOf(pdu.type, pdu.state_key ?? ''), { type: pdu.type, stateKey: pdu.state_key ?? '', event: { eventId, pdu } })
  return [...all.values()]
}

function decidedOf(
  { eventId, pdu }: Incoming,
  head: DraftHead,
  changes: readonly StateChange[],
  { state }: Base,
): Decision['events'][number] {
  return {
    eventId,
    pdu,
    stateGroup: eventId,
    headGroup: eventId,
    newGroups: [],
    changes,
    notifying: head.notifying,
    effect: defaultEffect(pdu, () => false),
    replaces: state.get(stateKeyOf(pdu.type, pdu.state_key ?? '')),
    redaction: undefined,
    thread: undefined,
    delayId: undefined,
    received: true,
    handed: true,
    gap: true,
  }
}

function headAfter(join: Incoming, head: DraftHead, chain: Room['chain'], changes: readonly StateChange[], rules: RoomRules): DraftHead {
  return {
    version: head.version + 1,
    extremities: [join.eventId],
    references: [referenceOf(join.eventId, join.pdu, rules)],
    forks: [join.eventId],
    depth: Math.max(head.depth, depthOf(join.pdu)),
    notifying: head.notifying,
    stateGroup: join.eventId,
    chain,
    state: new Map(changes.map(({ type, stateKey, event }) => [stateKeyOf(type, stateKey), event])),
  }
}

/** Notes which of the events before a join are not here. */
async function writesOf({ database }: ReceiveTools, roomId: RoomId, { eventId, pdu }: Incoming): Promise<Write[]> {
  const prevs = [...(await loadStored(database.select, prevEventIdsOf(pdu))).values()].filter(({ outlier }) => !outlier)
  const here = new Set(prevs.map((stored) => stored.eventId))
  const missing = prevEventIdsOf(pdu).filter((prev) => !here.has(prev))
  return [write(deleteMissing, roomId, eventId), ...missing.map((prev) => write(insertMissing, roomId, prev, depthOf(pdu)))]
}
