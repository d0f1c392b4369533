import { isUserId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Graph } from '../graph/graph.ts'
import type { Broadcast, EduReceiver, Tools } from '../slice.ts'
import { selectPresenceOf } from './presence.store.ts'
import type { Presences } from './presence.ts'
import { longestMessage, presenceContent, presenceNames, type Shown } from './presence-content.ts'

/** Of one EDU; what it holds beyond is left out. */
const mostUsers = 500
/** A server that speaks of so many who are in no room of ours is not listened to any further. */
const mostStrangers = 50
const mostRooms = 500
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

/** Who is online here, for the servers with which they share rooms. */
export function presenceBroadcast({ home, graph }: Pick<Tools, 'home' | 'graph'>, presences: Pick<Presences, 'held'>): Broadcast {
  const sharing = createServersSharing({ home, graph })
  return {
    kinds: ['presence', 'presence_kept'],
    between: async (rows) => {
      const users = [...new Set(rows.map(({ key }) => key as UserId))].filter((userId) => serverNameOf(userId) === home.serverName)
      if (users.length === 0) return []
      const told = []
      for (const row of await home.database.select(selectPresenceOf, users)) {
        const userId = row.user_id as UserId
        const servers = await sharing(userId)
        if (servers.length === 0) continue
        const lastActiveAt = Math.max(row.last_active_at, presences.held(userId)?.lastActiveAt ?? 0)
        const shown = { presence: row.presence, statusMsg: row.status_msg, lastActiveAt }
        const content = { push: [{ user_id: userId, ...presenceContent(shown, home.clock.now()) }] }
        told.push({ edu: { edu_type: 'm.presence', content }, servers, key: `presence ${userId}` })
      }
      return told
    },
  }
}

/** The other servers in a user's rooms, remembered for a minute: presence comes and goes, and rooms are many. */
function createServersSharing({ home, graph }: Pick<Tools, 'home' | 'graph'>): (userId: UserId) => Promise<readonly ServerName[]> {
  const known = new Map<UserId, { readonly servers: readonly ServerName[]; readonly until: number; readonly newest: number }>()
  return async (userId) => {
    const { rooms, newest } = await graph.joinedRooms(userId)
    const kept = known.get(userId)
    if (kept !== undefined && kept.newest === newest && kept.until > home.clock.now()) return kept.servers
    const servers = await serversOf(graph, [...rooms].slice(0, mostRooms), home.serverName)
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
