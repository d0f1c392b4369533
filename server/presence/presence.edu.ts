import type { Edu } from '../core/edu.ts'
import { isUserId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import type { Broadcast, EduReceiver, Told, Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import { type PresenceRow, selectPresenceOf, selectPresentAmong } from './presence.store.ts'
import type { Presences } from './presence.ts'
import { longestMessage, presenceContent, presenceNames, type Shown } from './presence-content.ts'

/** Of one EDU; what it holds beyond is left out. */
const mostUsers = 500
/** A server that speaks of so many who are in no room of ours is not listened to any further. */
const mostStrangers = 50
const mostRooms = 500
const mostArrivals = 100
/** The row that says that somebody's memberships have changed follows that of the event, in the same part. */
const nextTo = 16
/** Of those who are here already, so many are told to a server that comes into a room. */
const mostTold = 100
const mostKnown = 10_000
const knownFor = 60_000

/** Who is online on other servers, of those who are in rooms of this one. https://spec.matrix.org/v1.19/server-server-api/#presence */
export function presenceReceiver({ home, graph }: Pick<Tools, 'home' | 'graph'>, presences: Pick<Presences, 'hear'>): EduReceiver {
  return {
    type: 'm.presence',
    receive: async ({ push }, origin) => {
      if (!Array.isArray(push)) return
      let strangers = 0
      for (const one of push.slice(0, mostUsers)) {
        if (!isJsonObject(one) || !isUserId(one['user_id']) || serverNameOf(one['user_id']) !== origin) continue
        const shown = readShown(one, home.clock.now())
        if (shown === undefined) continue
        if ((await graph.joinedRooms(one['user_id'])).rooms.size > 0) presences.hear(one['user_id'], shown)
        else if (++strangers >= mostStrangers) return
      }
    },
  }
}

function readShown({ presence, last_active_ago: ago, status_msg: message }: JsonObject, now: number): Shown | undefined {
  const name = presenceNames.find((known) => known === presence)
  if (name === undefined) return undefined
  const lastActiveAt = Number.isSafeInteger(ago) && Number(ago) >= 0 ? Math.max(0, now - Number(ago)) : now
  return { presence: name, statusMsg: isPlainText(message, longestMessage) ? message : null, lastActiveAt }
}

/**
 * Who is online here, for the servers with which they share rooms: what changes of it, again before it is forgotten there, and as much as a server
 * needs to know that comes into a room.
 */
export function presenceBroadcast({ home, graph }: Pick<Tools, 'home' | 'graph'>, presences: Pick<Presences, 'held'>): Broadcast {
  const sharing = createServersSharing({ home, graph })
  const isLocal = ({ key }: Logged) => serverNameOf(key as UserId) === home.serverName
  const pushOf = (row: PresenceRow) => {
    const lastActiveAt = Math.max(row.last_active_at, presences.held(row.user_id as UserId)?.lastActiveAt ?? 0)
    return {
      user_id: row.user_id,
      ...presenceContent({ presence: row.presence, statusMsg: row.status_msg, lastActiveAt }, home.clock.now()),
    }
  }
  async function changed(rows: readonly Logged[]): Promise<Told[]> {
    const users = [...new Set(rows.map(({ key }) => key as UserId))]
    const gone = new Set(rows.filter(({ kind }) => kind === 'membership').map(({ key }) => key))
    for (const { kind, key } of rows) if (kind !== 'membership') gone.delete(key)
    const told: Told[] = []
    for (const row of users.length === 0 ? [] : await home.database.select(selectPresenceOf, users)) {
      // To whom somebody comes who is not there, that is no news.
      const servers = row.presence === 'offline' && gone.has(row.user_id) ? [] : await sharing(row.user_id as UserId)
      if (servers.length > 0) told.push({ edu: eduOf([pushOf(row)]), servers, key: `presence ${row.user_id}` })
    }
    return told
  }
  async function arrived(rows: readonly Logged[]): Promise<Told[]> {
    const told: Told[] = []
    for (const { key, position } of rows.slice(0, mostArrivals)) {
      const server = serverNameOf(key as UserId)
      for (const roomId of await roomsEntered(graph, key as UserId, position)) {
        const users = localMembers(await graph.room(roomId), home.serverName)
        const present = users.length === 0 ? [] : await home.database.select(selectPresentAmong, users)
        if (present.length > 0) told.push({ edu: eduOf(present.map(pushOf)), servers: [server], key: `presence in ${roomId}` })
      }
    }
    return told
  }
  return {
    kinds: ['presence', 'presence_kept', 'membership'],
    between: async (rows) => [
      ...(await arrived(rows.filter((row) => row.kind === 'membership' && !isLocal(row)))),
      ...(await changed(rows.filter(isLocal))),
    ],
  }
}

function eduOf(push: JsonObject[]): Edu {
  return { edu_type: 'm.presence', content: { push } }
}

/** The rooms that a user of another server came into just before a position, as the first of that server. */
async function roomsEntered(graph: Graph, userId: UserId, position: number): Promise<RoomId[]> {
  const rooms: RoomId[] = []
  for (const [roomId, { membership, joinedAt }] of await graph.memberships(userId)) {
    if (membership !== 'join' || joinedAt > position || joinedAt < position - nextTo) continue
    if ((await graph.room(roomId))?.servers.get(serverNameOf(userId)) === 1) rooms.push(roomId)
  }
  return rooms
}

function localMembers(room: RoomView | undefined, own: ServerName): UserId[] {
  const users: UserId[] = []
  for (const userId of room?.joined ?? []) {
    if (serverNameOf(userId) === own && users.push(userId) >= mostTold) break
  }
  return users
}

/** The other servers in a user's rooms, remembered for a minute: presence comes and goes, and rooms are many. */
function createServersSharing({ home, graph }: Pick<Tools, 'home' | 'graph'>): (userId: UserId) => Promise<readonly ServerName[]> {
  const known = new Map<UserId, { readonly servers: readonly ServerName[]; readonly until: number; readonly newest: number }>()
  return async (userId) => {
    const { rooms, newest } = await graph.joinedRooms(userId)
    const kept = known.get(userId)
    if (kept !== undefined && kept.newest === newest && kept.until > home.clock.now()) return kept.servers
    const servers = await serversOf(graph, (await graph.sharedRooms(rooms)).slice(0, mostRooms), home.serverName)
    known.delete(userId)
    known.set(userId, { servers, until: home.clock.now() + knownFor, newest })
    if (known.size > mostKnown) known.delete(known.keys().next().value as UserId)
    return servers
  }
}

async function serversOf(graph: Graph, rooms: Parameters<Graph['room']>[0][], own: ServerName): Promise<ServerName[]> {
  const servers = new Set<ServerName>()
  for (const roomId of rooms) for (const server of (await graph.room(roomId))?.servers.keys() ?? []) servers.add(server)
  servers.delete(own)
  return [...servers]
}
