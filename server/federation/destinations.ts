import { type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { Graph, RoomView, TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'

/** An event and the servers that are to be told of it. */
export type Addressed = { readonly event: TimelineEvent; readonly servers: ReadonlySet<ServerName> }

/** A room in which members come and go all the time is taken as it is at last. */
const mostTries = 5

type Needs = Pick<Tools, 'home' | 'graph'>

/** The rows that say that an event of another server came to us alone, so that it is for us to tell the others. The key is its id. */
export const relayKind = 'relay'

/** This server's events among the rows of the log, in their order, where others are in the room. A room without others costs nothing. */
export async function addressedEvents({ home, graph }: Needs, rows: readonly Logged[], upTo: number): Promise<Addressed[]> {
  const { serverName } = home
  const rooms = new Map<RoomId, { first: number; last: number; count: number }>()
  let remoteMoved = false
  const found: Addressed[] = []
  for (const { kind, key, position } of rows) {
    if (kind === 'event') {
      const known = rooms.get(key as RoomId)
      rooms.set(key as RoomId, { first: known?.first ?? position, last: position, count: (known?.count ?? 0) + 1 })
    } else if (kind === 'membership') remoteMoved ||= serverNameOf(key as UserId) !== serverName
  }
  for (const [roomId, { first, last, count }] of rooms) {
    const room = await graph.room(roomId)
    if (room === undefined) continue
    // What the room has become since is not known here: only then its members now are those of then.
    if (!remoteMoved && room.position <= upTo && isLocal(room, serverName)) continue
    const { events } = await graph.arrived(roomId, first - 1, last, count)
    for (const event of events) {
      if (serverNameOf(event.pdu.sender) === serverName && !event.handed) found.push(await address(graph, room, event, serverName))
    }
  }
  for (const { kind, key } of rows) {
    const event = kind === relayKind ? await graph.event(key as `$${string}`) : undefined
    const room = event && (await graph.room(event.roomId))
    if (event !== undefined && room !== undefined) found.push(await address(graph, room, event, serverName))
  }
  return found.filter(({ servers }) => servers.size > 0).sort((a, b) => (a.event.position ?? 0) - (b.event.position ?? 0))
}

function isLocal({ servers }: RoomView, serverName: ServerName): boolean {
  return servers.size === 0 || (servers.size === 1 && servers.has(serverName))
}

/** "The servers in the room" are those before the event and after it: whoever is made to leave is told. */
async function address(graph: Graph, room: RoomView, event: TimelineEvent, serverName: ServerName): Promise<Addressed> {
  const servers = new Set(await serversAt(graph, room, event))
  const { type, state_key: target, content, sender } = event.pdu
  // An invited server has the invite already: nobody is invited before it has signed that.
  if (type === 'm.room.member' && target !== undefined && content['membership'] !== 'invite') servers.add(serverNameOf(target as UserId))
  servers.delete(serverName)
  servers.delete(serverNameOf(sender))
  return { event, servers }
}

/** The servers in the room just after an event. */
async function serversAt(graph: Graph, room: RoomView, event: TimelineEvent): Promise<Iterable<ServerName>> {
  for (let tries = 0; ; tries++) {
    const { position, stateGroup } = room
    const since = event.position ?? position
    if (position === since || stateGroup === event.headGroup) return room.servers.keys()
    const changes = await graph.membershipChanges(since, position, new Set([room.roomId]))
    if (changes.length === 0 && room.position === position) return room.servers.keys()
    const moved = [...new Set(changes.map(({ userId }) => userId))]
    const before = await graph.stateOf(
      event.headGroup,
      moved.map((userId) => ['m.room.member', userId]),
    )
    if (room.position !== position && tries < mostTries) continue
    const joined = new Set(before.filter(({ pdu }) => pdu.content['membership'] === 'join').map(({ pdu }) => pdu.state_key))
    const counts = new Map(room.servers)
    for (const userId of moved) {
      const by = Number(joined.has(userId)) - Number(room.membership(userId) === 'join')
      const server = serverNameOf(userId)
      counts.set(server, (counts.get(server) ?? 0) + by)
    }
    return [...counts].filter(([, count]) => count > 0).map(([server]) => server)
  }
}
