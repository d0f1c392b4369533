import { type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { Graph } from '../graph/graph.ts'
import { wholeKind } from '../graph/partial/complete-room.ts'
import type { Home } from '../home.ts'
import type { Logged } from '../storage/database.ts'

type Tools = {
  readonly home: Pick<Home, 'serverName'>
  readonly graph: Pick<Graph, 'room' | 'joinedRooms' | 'memberships' | 'sharedRooms'>
}

/** A user of this server with servers that share a room with them now and did not before. */
export type NewlyShared = { readonly userId: UserId; readonly servers: readonly ServerName[] }

/** So many of this server's users are told to one that has just come into their room; of the rest it hears when it asks. */
const mostTold = 100
/** In so many rooms it is looked whether a server was there before; one told too much asks once in vain. */
const mostRoomsOfOne = 200
const mostRoomsOfEach = 20
const mostOfOneServer = 50

/** The other servers that share a room with a user of this one. */
export async function serversSharing({ home, graph }: Tools, userId: UserId): Promise<Set<ServerName>> {
  const servers = new Set<ServerName>()
  for (const roomId of await graph.sharedRooms((await graph.joinedRooms(userId)).rooms)) {
    for (const server of (await graph.room(roomId))?.servers.keys() ?? []) servers.add(server)
  }
  servers.delete(home.serverName)
  return servers
}

/** Whether a user of another server is in a room with one of this server's. */
export async function isShared({ home, graph }: Tools, userId: UserId): Promise<boolean> {
  for (const roomId of (await graph.joinedRooms(userId)).rooms) {
    if ((await graph.room(roomId))?.servers.has(home.serverName)) return true
  }
  return false
}

/**
 * Whether such a user has been in a room with one of this server's all the time since a position: only then did this server hear of every change of
 * the user's devices. No is the answer, too, where it would take long to tell.
 */
export async function isSharedSince({ home, graph }: Tools, userId: UserId, position: number): Promise<boolean> {
  for (const [roomId, { membership, joinedAt }] of await graph.memberships(userId)) {
    if (membership !== 'join' || joinedAt > position) continue
    const room = await graph.room(roomId)
    if (!room?.servers.has(home.serverName)) continue
    let looked = 0
    for (const member of room.joined) {
      if (serverNameOf(member) !== home.serverName) continue
      const of = (await graph.memberships(member)).get(roomId)
      if (of?.membership === 'join' && of.joinedAt <= position) return true
      if (++looked === mostOfOneServer) break
    }
  }
  return false
}

/** Who shares a room with another server since one of these rows of memberships. */
export async function newlyShared(tools: Tools, rows: readonly Logged[]): Promise<NewlyShared[]> {
  const found: NewlyShared[] = []
  const again = toldAgain(rows)
  let arrival: Arrival | undefined
  for (const row of rows) {
    const { kind, key, position } = row
    if (kind === 'event') arrival = arrivalAt(tools, key as RoomId, position)
    if (kind !== 'membership' || again.has(row)) continue
    arrival ??= await lastArrival(tools, key as UserId, position)
    if (arrival !== undefined) found.push(...(await cameBy(tools, arrival, key as UserId)))
  }
  return found
}

/** When a room is whole, our users leave it and come in anew, and then the others come, each with a row of its own. */
const rowsOfWhole = 3

/** The rows by which users of this server are told a room anew that has become whole: its servers heard of their devices when they came in. */
function toldAgain(rows: readonly Logged[]): ReadonlySet<Logged> {
  const again = new Set<Logged>()
  for (const [end, { kind, key: roomId }] of rows.entries()) {
    if (kind !== wholeKind) continue
    let left = rowsOfWhole
    for (let at = end - 1; at >= 0 && left > 0; at--) {
      const row = rows[at] as Logged
      if (row.kind === 'event' && row.key === roomId) left--
      else if (row.kind === 'membership') again.add(row)
    }
  }
  return again
}

/** An event that may have brought users into a room. Its rows of memberships follow its own. */
type Arrival = {
  readonly roomId: RoomId
  readonly at: number
  /** Whether somebody of this server was in the room before. */
  readonly wasOurs: () => Promise<boolean>
  /** The other servers that were looked at. */
  readonly servers: Set<ServerName>
}

function arrivalAt(tools: Tools, roomId: RoomId, at: number): Arrival {
  let before: Promise<UserId[]> | undefined
  return {
    roomId,
    at,
    wasOurs: async () => {
      before ??= membersBefore(tools, roomId, at, tools.home.serverName, 1)
      return (await before).length > 0
    },
    servers: new Set(),
  }
}

/** The event's own row was read before: it is the last that brought this user into a room by then. */
async function lastArrival(tools: Tools, userId: UserId, upTo: number): Promise<Arrival | undefined> {
  const joins = [...(await tools.graph.memberships(userId))].filter(
    ([, { membership, joinedAt }]) => membership === 'join' && joinedAt <= upTo,
  )
  const last = joins.sort(([, a], [, b]) => b.joinedAt - a.joinedAt)[0]
  return last && arrivalAt(tools, last[0], last[1].joinedAt)
}

async function cameBy(tools: Tools, { roomId, at, wasOurs, servers }: Arrival, userId: UserId): Promise<NewlyShared[]> {
  const server = serverNameOf(userId)
  const isOurs = server === tools.home.serverName
  // A room that was entered with everybody in it is told of by those who entered it.
  if (!isOurs && (servers.has(server) || !(await wasOurs()))) return []
  const of = (await tools.graph.memberships(userId)).get(roomId)
  if (of?.membership !== 'join' || of.joinedAt !== at) return []
  if (isOurs) return ourUserCame(tools, userId, roomId)
  servers.add(server)
  const count = (await tools.graph.room(roomId))?.servers.get(server) ?? 0
  if (count > mostOfOneServer || (await membersBefore(tools, roomId, at, server, 1)).length > 0) return []
  const told: NewlyShared[] = []
  for (const one of await membersBefore(tools, roomId, at, tools.home.serverName, mostTold))
    if (!(await isWithServer(tools, one, roomId, server))) told.push({ userId: one, servers: [server] })
  return told
}

/** Those of a server who were in a room before a position and are there still, so many at most. */
async function membersBefore({ graph }: Tools, roomId: RoomId, at: number, server: ServerName, most: number): Promise<UserId[]> {
  const found: UserId[] = []
  for (const member of (await graph.room(roomId))?.joined ?? []) {
    if (serverNameOf(member) !== server) continue
    const of = (await graph.memberships(member)).get(roomId)
    if (of?.membership === 'join' && of.joinedAt < at) found.push(member)
    if (found.length === most) break
  }
  return found
}

async function ourUserCame(tools: Tools, userId: UserId, roomId: RoomId): Promise<NewlyShared[]> {
  const { home, graph } = tools
  const servers = new Set((await graph.room(roomId))?.servers.keys())
  servers.delete(home.serverName)
  for (const other of servers.size === 0 ? [] : await otherRooms(tools, userId, roomId, mostRoomsOfOne)) {
    for (const server of (await graph.room(other))?.servers.keys() ?? []) servers.delete(server)
    if (servers.size === 0) break
  }
  return servers.size === 0 ? [] : [{ userId, servers: [...servers] }]
}

async function isWithServer(tools: Tools, userId: UserId, roomId: RoomId, server: ServerName): Promise<boolean> {
  for (const other of await otherRooms(tools, userId, roomId, mostRoomsOfEach))
    if ((await tools.graph.room(other))?.servers.has(server)) return true
  return false
}

async function otherRooms({ graph }: Tools, userId: UserId, roomId: RoomId, most: number): Promise<RoomId[]> {
  return [...(await graph.joinedRooms(userId)).rooms].filter((other) => other !== roomId).slice(0, most)
}
