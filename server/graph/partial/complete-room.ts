import { type EventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Write, write } from '../../storage/database.ts'
import { headOf } from '../append.ts'
import { type Arrivals, findOn } from '../draft.ts'
import type { StateEvent } from '../graph.ts'
import type { Lanes } from '../lanes.ts'
import { isUnder, type Judged, storeOutliers } from '../receive/auth-events.ts'
import { createAmpleBudget } from '../receive/budget.ts'
import type { Incoming } from '../receive/check-incoming.ts'
import { commitOn } from '../receive/commit-on.ts'
import { checkAll, fetchEvents, fetchState, fetchStateIds, type Source } from '../receive/fetch-missing.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { insertGroupOfEvents } from '../receive/stored.store.ts'
import { storedInPages } from '../receive/stored-in-pages.ts'
import { unknownOf } from '../receive/unknown-events.ts'
import { type DraftHead, type Room, type StateChange, stateKeyOf } from '../room.ts'
import { need, refresh } from '../rooms.ts'
import { deletePartialRoom } from './partial.store.ts'
import type { PartialState } from './partial-state.ts'

const memberType = 'm.room.member'
const createKey = stateKeyOf('m.room.create', '')
const atOnce = 500
const mostTries = 20
const othersAtOnce = 2
const fewMissing = 20

/** What a row of the log says of a room whose memberships have all come; the key is its id. */
export const wholeKind = 'room_whole'

/** How often it was tried before, and what ends it. */
export type Effort = { readonly tries: number; readonly stop: AbortSignal }

/**
 * The memberships of a room that is not whole, as a server gave them with the join, or as one gives them now: those that are signed and allowed, as far as
 * they can be had. Undefined when no server says which they are.
 */
export async function findMembers(
  tools: ReceiveTools,
  { roomId, rules, servers, state }: Room,
  { origin, eventId }: PartialState,
  given: readonly JsonObject[],
  { tries, stop }: Effort,
): Promise<readonly StateEvent[] | undefined> {
  const opening = state.get(createKey)?.eventId
  const sourceOf = (server: ServerName): Source => ({ origin: server, roomId, rules, opening, budget: createAmpleBudget(stop) })
  if (given.length > 0) {
    const source = sourceOf(origin)
    const checked = await checkAll(tools, source, given)
    const ids = checked.map((event) => event.eventId)
    const known = await storeOutliers(tools, rules, roomId, checked)
    // Where some cite what did not come with them it is asked what there is.
    if (!source.budget?.signal().aborted && ids.every((id) => known.has(id))) return membersIn(source, ids, known)
  }
  const others = [...servers.keys()].filter((server) => server !== origin && server !== tools.serverName)
  const turned = others.map((_, at) => others[(at + tries * othersAtOnce) % others.length] as ServerName).slice(0, othersAtOnce)
  for (const [at, server] of [origin, ...turned].entries()) {
    if (stop.aborted) return undefined
    const members = await membersAt(tools, sourceOf(server), eventId, turned.slice(at).map(sourceOf))
    if (members !== undefined) return members
  }
  return undefined
}

/** Those in the state before a join, as a server has it; the few events of it that this one does not give are asked of others, and may be missing. */
async function membersAt(
  tools: ReceiveTools,
  source: Source,
  eventId: EventId,
  others: readonly Source[],
): Promise<readonly StateEvent[] | undefined> {
  const { rules, roomId, opening, budget } = source
  const ids = await fetchStateIds(tools, source, eventId)
  if (ids === undefined || opening === undefined || !ids.state.includes(opening)) return undefined
  const known = new Map<EventId, Judged>()
  const keep = async (events: readonly Incoming[]) => {
    for (const [id, judged] of await storeOutliers(tools, rules, roomId, events)) known.set(id, judged)
  }
  if ((await unknownOf(tools.database.select, [...ids.state, ...ids.authChain])).length > fewMissing) {
    const given = await fetchState(tools, source, eventId)
    if (given === undefined) return undefined
    await keep(given)
  }
  for (const from of [source, ...others]) {
    // What is cited comes with those that cite it: a membership may stand on an earlier one.
    const missing = await unknownOf(tools.database.select, [...ids.state, ...ids.authChain])
    if (missing.length === 0) break
    await keep(await fetchEvents(tools, from, missing))
  }
  const stored = ids.state.filter((id) => !known.has(id))
  for await (const event of storedInPages(tools.database.select, stored)) if (event.roomId === roomId) known.set(event.eventId, event)
  return budget?.signal().aborted ? undefined : membersIn(source, ids.state, known)
}

/** What counts of the memberships among some events. */
function membersIn(
  { roomId, rules, opening }: Source,
  eventIds: readonly EventId[],
  known: ReadonlyMap<EventId, Judged>,
): readonly StateEvent[] {
  const members: StateEvent[] = []
  for (const eventId of eventIds) {
    const judged = known.get(eventId)
    if (judged === undefined || judged.rejected || judged.pdu.type !== memberType || judged.pdu.state_key === undefined) continue
    if (judged.pdu.room_id === roomId && isUnder(opening, rules, { eventId, pdu: judged.pdu })) members.push({ eventId, pdu: judged.pdu })
  }
  return members
}

/** Puts memberships into the state that the room stands on, page by page; with the last one the room is whole. */
export async function addMembers(
  tools: ReceiveTools,
  inTurn: Lanes,
  roomId: RoomId,
  members: readonly StateEvent[],
  stop: AbortSignal,
): Promise<void> {
  // Who stands there twice is what was said first.
  const first = new Map<string | undefined, StateEvent>()
  for (const member of members) if (!first.has(member.pdu.state_key)) first.set(member.pdu.state_key, member)
  const left = [...first.values()]
  do {
    const page = left.splice(0, atOnce)
    await inTurn(roomId, () => addPage(tools, roomId, page, left.length === 0))
  } while (left.length > 0 && !stop.aborted)
}

/** Adds memberships to a room that is not whole, in its lane; with the last ones (`isLast`) it is whole. */
async function addPage(tools: ReceiveTools, roomId: RoomId, page: readonly StateEvent[], isLast: boolean): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const room = await tools.rooms.load(roomId)
    if (room?.partial === undefined) return
    if (tools.database.shared && tries > 0) await refresh(tools.database.select, room, tools.memberships)
    if (isLast) await need(tools.database.select, room, tools.memberships, ownMembers(room, headOf(room), tools.serverName))
    const { partial } = room
    if (tools.rooms.peek(roomId) !== room || partial === undefined) continue
    const head = headOf(room)
    const ids = page.map(({ eventId }) => eventId)
    const writes: Write[] = [write(insertGroupOfEvents, partial.stateGroup, ids), ...(isLast ? [write(deletePartialRoom, roomId)] : [])]
    const arrivals = [...(isLast ? ownAgain(room, head, tools.serverName) : []), othersOf(room, head, page)]
    const decision = { events: [], head: { ...head, version: head.version + 1 }, arrivals, isWhole: isLast }
    const log = isLast ? [{ kind: wholeKind, key: roomId }] : []
    const isDone = await commitOn(tools, room, head, decision, { writes, log })
    tools.states.forget(partial.stateGroup)
    if (isDone) return
  }
  throw new Error('a room moves on faster than its members can be added')
}

/** Users of this server who are in the room, or are just coming. */
function ownMembers({ joined }: Room, head: DraftHead, serverName: ServerName): UserId[] {
  const coming = [...head.state.values()].filter((event) => event?.pdu.type === memberType).map((event) => event?.pdu.state_key as UserId)
  return [...new Set([...joined, ...coming])].filter((userId) => serverNameOf(userId) === serverName)
}

/** Those who are not known yet; nobody where the room stands on another state by now, as after it was left and entered anew. */
function othersOf(room: Room, head: DraftHead, page: readonly StateEvent[]): Arrivals {
  if (!head.chain.some(({ stateGroup }) => stateGroup === room.partial?.stateGroup)) return { changes: [], isTold: false }
  const isKnown = ({ pdu }: StateEvent) =>
    room.members.has(pdu.state_key as UserId) || head.state.has(stateKeyOf(memberType, pdu.state_key ?? ''))
  return { changes: page.filter((event) => !isKnown(event)).map(changeOf), isTold: false }
}

/** Our own members who are joined still, anew: they are told the whole room then. */
function ownAgain(room: Room, head: DraftHead, serverName: ServerName): Arrivals[] {
  const find = findOn(room, head)
  const joined = ownMembers(room, head, serverName)
    .flatMap((userId) => find(memberType, userId) ?? [])
    .filter(({ pdu }) => pdu.content['membership'] === 'join')
  if (joined.length === 0) return []
  const again = joined.map(changeOf)
  const leaving = again.map((change) => ({ ...change, event: undefined }))
  return [leaving, again].map((changes) => ({ changes, isTold: true }))
}

function changeOf(event: StateEvent): StateChange {
  return { type: memberType, stateKey: event.pdu.state_key ?? '', event }
}
