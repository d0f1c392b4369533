import { type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { Logged } from '../storage/database.ts'

type Tools = { readonly home: Pick<Home, 'serverName'>; readonly graph: Pick<Graph, 'room' | 'joinedRooms' | 'memberships'> }

/** A user of this server with servers that share a room with them now and did not before. */
export type NewlyShared = { readonly userId: UserId; readonly servers: readonly ServerName[] }

/** So many of this server's users are told to one that has just come into their room; of the rest it hears when it asks. */
const mostTold = 1000
/** In so many rooms it is looked whether a server was there before; one told too much asks once in vain. */
const mostLookedIn = 200
const mostOfOneServer = 50
/** The rows of a change of state come within so many after its event's. */
const longestChange = 64

/** The other servers that share a room with a user of this one. */
export async function serversSharing({ home, graph }: Tools, userId: UserId): Promise<Set<ServerName>> {
  const servers = new Set<ServerName>()
  for (const roomId of (await graph.joinedRooms(userId)).rooms) {
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
  let event = 0
  for (const { kind, key, position } of rows) {
    if (kind === 'event') event = position
    if (kind !== 'membership') continue
    const userId = key as UserId
    const from = Math.max(event, position - longestChange)
    const isOurs = serverNameOf(userId) === tools.home.serverName
    for (const roomId of await roomsJoined(tools, userId, from, position)) {
      found.push(...(isOurs ? await ourUserCame(tools, userId, roomId) : await theirUserCame(tools, userId, roomId, from)))
    }
  }
  return found
}

async function roomsJoined({ graph }: Tools, userId: UserId, from: number, upTo: number): Promise<RoomId[]> {
  const rooms = [...(await graph.memberships(userId))].filter(
    ([, { membership, joinedAt }]) => membership === 'join' && joinedAt >= from && joinedAt <= upTo,
  )
  return rooms.map(([roomId]) => roomId)
}

async function ourUserCame(tools: Tools, userId: UserId, roomId: RoomId): Promise<NewlyShared[]> {
  const { home, graph } = tools
  const servers = new Set((await graph.room(roomId))?.servers.keys())
  servers.delete(home.serverName)
  for (const other of await otherRooms(tools, userId, roomId)) {
    if (servers.size === 0) break
    for (const server of (await graph.room(other))?.servers.keys() ?? []) servers.delete(server)
  }
  return servers.size === 0 ? [] : [{ userId, servers: [...servers] }]
}

async function theirUserCame(tools: Tools, userId: UserId, roomId: RoomId, from: number): Promise<NewlyShared[]> {
  const { home, graph } = tools
  const server = serverNameOf(userId)
  const room = await graph.room(roomId)
  if (!room?.servers.has(home.serverName) || (room.servers.get(server) ?? 0) > mostOfOneServer) return []
  const members = [...room.joined]
  for (const member of members) {
    if (serverNameOf(member) !== server) continue
    const of = (await graph.memberships(member)).get(roomId)
    if (of?.membership === 'join' && of.joinedAt < from) return []
  }
  const ours = members.filter((member) => serverNameOf(member) === home.serverName).slice(0, mostTold)
  const told: NewlyShared[] = []
  for (const one of ours) if (!(await isWithServer(tools, one, roomId, server))) told.push({ userId: one, servers: [server] })
  return told
}

async function isWithServer(tools: Tools, userId: UserId, roomId: RoomId, server: ServerName): Promise<boolean> {
  for (const other of await otherRooms(tools, userId, roomId)) if ((await tools.graph.room(other))?.servers.has(server)) return true
  return false
}

async function otherRooms({ graph }: Tools, userId: UserId, roomId: RoomId): Promise<RoomId[]> {
  return [...(await graph.joinedRooms(userId)).rooms].filter((other) => other !== roomId).slice(0, mostLookedIn)
}
