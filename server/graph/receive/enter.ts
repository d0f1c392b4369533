import { defaultEffect } from '../../core/default-effect.ts'
import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import { referenceOf } from '../../core/hashes.ts'
import type { EventId, RoomId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { forbidden, unreachable, unsupportedRoomVersion } from '../../core/matrix-error.ts'
import { authEventIdsOf, type ReadState } from '../../core/pdu.ts'
import { type RoomRules, roomRules } from '../../core/room-versions.ts'
import { type Write, write } from '../../storage/database.ts'
import { headOf } from '../append.ts'
import { groupWrites } from '../commit.ts'
import { chainWith, type Decision, newGroupOf, ordinalOfWhole } from '../draft.ts'
import type { Entering } from '../graph.ts'
import { holdEvents } from '../partial/held-events.ts'
import { takeNow } from '../partial/own-members.ts'
import { insertPartialRoom } from '../partial/partial.store.ts'
import type { PartialState } from '../partial/partial-state.ts'
import { type DraftHead, type Room, type StateChange, setPartial, stateKeyOf } from '../room.ts'
import { emptyRoom, refresh } from '../rooms.ts'
import { checkByAuthEvents, isUnder, outlierWrite, storeOutliers } from './auth-events.ts'
import { withBudget } from './budget.ts'
import { checkIncoming, type Incoming } from './check-incoming.ts'
import { commitOn } from './commit-on.ts'
import { earlierStays } from './earlier-stays.ts'
import { keepNames } from './event-names.ts'
import { checkAll, type Source } from './fetch-missing.ts'
import { depthOf, loadStored, type Stored } from './known-events.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { keepState, knowAuthEvents } from './state-before.ts'
import { deleteMissing } from './stored.store.ts'
import { notingMissing } from './unknown-events.ts'
import { logUnknown, notingUnknown, sayingUnknown } from './unknown-keys.ts'

const pageSize = 500
const mostTries = 20
/** Somebody waits for the join. */
const patienceForKeys = 30_000
/** Fewer are here as quickly as the rest. */
const manyMembers = 200

/** By which event a room was entered; with the memberships that are still to be added (none if they are to be fetched), unless the room is whole. */
export type Entered = { readonly eventId: EventId; readonly toAdd?: readonly JsonObject[]; readonly isHeld?: boolean }

/**
 * Takes over a room that one of our users has joined over another server: every event of its state is checked as any that is received, and then it is
 * as if the room had always been here from that state on. Where there are many members, or they were left out, the room is entered without them. 502
 * M_UNKNOWN when what the server gave is no room; 403 M_FORBIDDEN when its rules refuse the join.
 * https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function enterRoom(tools: ReceiveTools, entering: Entering): Promise<Entered> {
  const { origin, roomId, version, event, authChain } = entering
  const rules = roomRules(version)
  if (rules === undefined) throw unsupportedRoomVersion()
  const source: Source = { origin, roomId, rules }
  const join = await checkIncoming(tools.keyRing, rules, roomId, event)
  if (typeof join === 'string') throw unreachable(`the join that ${origin} gave back is none: ${join}`)
  if ((await keepNames(tools, rules, [join])).length === 0) throw unreachable(`the join that ${origin} gave back is another one`)
  if (await isFollowed(tools, roomId)) return takeJoin(tools, source, join)
  const former = await tools.rooms.load(roomId)
  const { frame, members } = former ? { frame: entering.state, members: [] } : frameOf(entering, join)
  const isPartial = members.length > 0 || entering.membersOmitted
  const unknown = notingUnknown(tools.keyRing)
  const checking = { ...tools, keyRing: unknown.keyRing }
  const chain = await checkAll(checking, source, authChain, patienceForKeys)
  const given = await checkAll(checking, source, frame, patienceForKeys)
  const known = new Map([
    ...(await storeOutliers(tools, rules, roomId, [...chain, ...given])),
    ...(await knowAuthEvents(tools, withBudget(source), join)),
  ])
  // Of those who were left out, some authorise the join.
  const ids = [...(isPartial ? authEventIdsOf(join.pdu) : []), ...given.map(({ eventId }) => eventId)]
  const opening = authEventIdsOf(join.pdu).find((eventId) => known.get(eventId)?.pdu.type === 'm.room.create')
  const before = await stateOf(tools, { ...source, opening }, ids)
  sayingUnknown(unknown.servers, () => checkJoin(join, rules, before, (id) => known.get(id)))
  const group = await keepState(
    tools,
    roomId,
    [...before.values()].map(({ eventId }) => eventId),
    isPartial ? `?${join.eventId}` : undefined,
  )
  const partial = isPartial ? { eventId: join.eventId, stateGroup: group, origin, servers: entering.servers } : undefined
  await takeOver(tools, source, join, { stateGroup: group, state: before, partial })
  logUnknown(tools, roomId, unknown.servers)
  // What was missing of an earlier stay can be had again.
  return { eventId: join.eventId, ...(isPartial || former?.partial ? { toAdd: members } : {}) }
}

/** A state without its memberships, if these are many: but for those of whoever sent any of the rest, and who sent those. */
function frameOf(
  { state }: Entering,
  { pdu }: Incoming,
): { readonly frame: readonly JsonObject[]; readonly members: readonly JsonObject[] } {
  const members = new Map<unknown, JsonObject>()
  const frame: JsonObject[] = []
  for (const event of state) {
    if (event['type'] === 'm.room.member') members.set(event['state_key'], event)
    else frame.push(event)
  }
  if (members.size < manyMembers) return { frame: state, members: [] }
  for (const userId of [pdu.sender, pdu.content['join_authorised_via_users_server']]) {
    const member = members.get(userId)
    if (member !== undefined) frame.push(member)
  }
  const taken = new Set(frame)
  for (const event of taken) {
    const member = members.get(event['sender'])
    if (member !== undefined) taken.add(member)
  }
  return { frame: [...taken], members: [...members.values()].filter((member) => !taken.has(member)) }
}

/** Whether this server is in the room: somebody else of it may have joined meanwhile. */
async function isFollowed(tools: ReceiveTools, roomId: RoomId): Promise<boolean> {
  const room = await tools.rooms.load(roomId)
  if (room !== undefined && tools.database.shared) await refresh(tools.database.select, room, tools.memberships)
  return room?.servers.has(tools.serverName) === true
}

/** A server that is in the room takes a join as it takes any event. */
async function takeJoin(tools: ReceiveTools, source: Source, join: Incoming): Promise<Entered> {
  const room = await tools.rooms.load(source.roomId)
  if (room?.partial !== undefined) {
    const pdu = join.pdu as unknown as JsonObject
    if (await takeNow(tools, source, pdu)) return { eventId: join.eventId }
    const isHeld = await holdEvents(tools, room, source.origin, [pdu], true)
    if (isHeld) return { eventId: join.eventId, isHeld }
    await refresh(tools.database.select, room, tools.memberships)
  }
  const received = await receiveOne(tools, source, join, 'news')
  if (received !== 'accepted' && received !== 'known') throw forbidden('the room does not allow the join')
  return { eventId: join.eventId }
}

/** The state that counts: events of this room that their auth events allow. */
async function stateOf(
  { database }: ReceiveTools,
  { roomId, rules, opening }: Source,
  ids: readonly EventId[],
): Promise<Map<string, Stored>> {
  const state = new Map<string, Stored>()
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

type Base = {
  readonly stateGroup: string
  readonly state: ReadonlyMap<string, Stored>
  /** Set when memberships are to be added. */
  readonly partial: PartialState | undefined
}

/** The room's head becomes the join, whatever it was before: nobody of this server has followed the room meanwhile. */
async function takeOver(tools: ReceiveTools, { origin, roomId, rules }: Source, join: Incoming, base: Base): Promise<void> {
  const { eventId, pdu } = join
  const below = [{ stateGroup: base.stateGroup, ordinal: ordinalOfWhole }]
  const chain = chainWith(below, eventId)
  const newGroup = newGroupOf(below, chain, [[pdu.type, pdu.state_key ?? '', eventId]])
  await tools.database.commit({ writes: [outlierWrite(roomId, rules, join, false), ...groupWrites(roomId, newGroup)] })
  const writes = await writesOf(tools, roomId, join, base)
  for (let tries = 0; tries < mostTries; tries++) {
    const known = await tools.rooms.load(roomId)
    const room = known ?? emptyRoom(roomId, rules)
    if (known === undefined) setPartial(room, base.partial)
    if (known && tools.database.shared) await refresh(tools.database.select, room, tools.memberships)
    if (known?.servers.has(tools.serverName)) {
      await takeJoin(tools, { origin, roomId, rules }, join)
      return
    }
    if (known && base.partial) throw unreachable('somebody else has just entered and left this room: try again')
    const head = headOf(room)
    await tools.database.commit({ writes: [] })
    const changes = known ? await tools.states.changes(head.stateGroup, eventId) : changesOfAll(join, base)
    const earlier = known ? await earlierStays(tools, head.stateGroup, base.state.values()) : []
    if (known && (tools.rooms.peek(roomId) !== room || headOf(room) !== head)) continue
    const decision: Decision = {
      events: [decidedOf(join, head, changes, base)],
      head: headAfter(join, head, chain, changes, rules),
    }
    if (await commitOn(tools, room, head, decision, { writes: [...writes, ...earlier] })) return
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

/** Notes which of the events before a join are not here, and of the room that its members are not. */
async function writesOf({ database }: ReceiveTools, roomId: RoomId, { eventId, pdu }: Incoming, { partial }: Base): Promise<Write[]> {
  const writes = [write(deleteMissing, roomId, eventId), ...(await notingMissing(database.select, roomId, pdu))]
  if (partial) writes.push(write(insertPartialRoom, roomId, eventId, partial.stateGroup, partial.origin, partial.servers))
  return writes
}
