import { type EventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Write, write } from '../../storage/database.ts'
import { headOf } from '../append.ts'
import type { StateEvent } from '../graph.ts'
import type { Lanes } from '../lanes.ts'
import { storeOutliers } from '../receive/auth-events.ts'
import { commitOn } from '../receive/commit-on.ts'
import { checkAll, fetchStateIds, type Source } from '../receive/fetch-missing.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { fetchUnknown } from '../receive/state-before.ts'
import { insertGroupOfEvents } from '../receive/stored.store.ts'
import { storedInPages } from '../receive/stored-in-pages.ts'
import { type Room, type StateChange, stateKeyOf } from '../room.ts'
import { need } from '../rooms.ts'
import { deletePartialRoom } from './partial.store.ts'
import type { PartialState } from './partial-state.ts'

const memberType = 'm.room.member'
const atOnce = 500
const mostTries = 20
const mostServers = 3

/** What a row of the log says of a room whose memberships have all come; the key is its id. */
export const wholeKind = 'room_whole'

/** The memberships of a room that is not whole, as a server gave them with the join, or fetched now; undefined when no server has them all. */
export async function findMembers(
  tools: ReceiveTools,
  { roomId, rules, servers }: Room,
  { origin, eventId }: PartialState,
  given: readonly JsonObject[],
): Promise<readonly EventId[] | undefined> {
  if (given.length > 0) {
    const checked = await checkAll(tools, { origin, roomId, rules }, given)
    await storeOutliers(tools, rules, roomId, checked)
    return checked.map((event) => event.eventId)
  }
  const others = [...servers.keys()].filter((server) => server !== origin && server !== tools.serverName)
  for (const server of [origin, ...others.slice(0, mostServers)]) {
    const ids = await membersAt(tools, { origin: server, roomId, rules }, eventId)
    if (ids !== undefined) return ids
  }
  return undefined
}

/** The state before a join by its ids, once all of it is here. */
async function membersAt(tools: ReceiveTools, source: Source, eventId: EventId): Promise<readonly EventId[] | undefined> {
  const ids = await fetchStateIds(tools, source, eventId)
  if (ids === undefined) return undefined
  await fetchUnknown(tools, source, eventId, [...new Set([...ids.state, ...ids.authChain])])
  const missing = new Set(ids.state)
  for await (const stored of storedInPages(tools.database.select, ids.state)) missing.delete(stored.eventId)
  return missing.size === 0 ? ids.state : undefined
}

/** Puts memberships into the state that the room stands on, page by page; with the last one the room is whole. */
export async function addMembers(tools: ReceiveTools, inTurn: Lanes, roomId: RoomId, eventIds: readonly EventId[]): Promise<void> {
  const page: StateEvent[] = []
  for await (const { eventId, pdu, rejected, roomId: of } of storedInPages(tools.database.select, eventIds)) {
    if (rejected || of !== roomId || pdu.type !== memberType || pdu.state_key === undefined) continue
    page.push({ eventId, pdu })
    if (page.length < atOnce) continue
    const full = page.splice(0)
    await inTurn(roomId, () => addPage(tools, roomId, full, false))
  }
  await inTurn(roomId, () => addPage(tools, roomId, page, true))
}

async function addPage(tools: ReceiveTools, roomId: RoomId, page: readonly StateEvent[], isLast: boolean): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const room = await tools.rooms.load(roomId)
    if (room?.partial === undefined) return
    const own = isLast ? ownMembers(room, tools.serverName) : []
    await need(tools.database.select, room, tools.memberships, own)
    const { partial } = room
    if (tools.rooms.peek(roomId) !== room || partial === undefined) continue
    const head = headOf(room)
    const arriving = page.filter(({ pdu }) => !room.members.has(pdu.state_key as UserId))
    const writes: Write[] = [
      write(
        insertGroupOfEvents,
        partial.stateGroup,
        page.map(({ eventId }) => eventId),
      ),
    ]
    if (isLast) writes.push(write(deletePartialRoom, roomId))
    const decision = {
      events: [],
      head: { ...head, version: head.version + 1 },
      arrivals: arrivalsOf(room, arriving, own),
      isWhole: isLast,
    }
    const log = isLast ? [{ kind: wholeKind, key: roomId }] : []
    if (await commitOn(tools, room, head, decision, { writes, log })) return
  }
  throw new Error('a room moves on faster than its members can be added')
}

function ownMembers({ joined }: Room, serverName: ServerName): UserId[] {
  return [...joined].filter((userId) => serverNameOf(userId) === serverName)
}

/** The members; and at last our own ones anew, to whom the room is then told whole. */
function arrivalsOf(room: Room, arriving: readonly StateEvent[], own: readonly UserId[]): StateChange[][] {
  const changeOf = (event: StateEvent): StateChange => ({ type: memberType, stateKey: event.pdu.state_key ?? '', event })
  const again = own.flatMap((userId) => room.state.get(stateKeyOf(memberType, userId)) ?? [])
  const leaving = again.map((event) => ({ ...changeOf(event), event: undefined }))
  return own.length === 0 ? [arriving.map(changeOf)] : [leaving, [...arriving, ...again].map(changeOf)]
}
