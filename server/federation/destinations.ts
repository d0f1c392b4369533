import { type EventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { Graph, RoomView, TimelineEvent } from '../graph/graph.ts'
import type { Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import type { Insist } from './insist.ts'

/** An event and the servers that are to be told of it. */
export type Addressed = { readonly event: TimelineEvent; readonly servers: ReadonlySet<ServerName> }

/** A room in which members come and go all the time is taken as it is at last. */
const mostTries = 5

const tookPart = new Set<unknown>(['join', 'invite', 'knock'])

type Needs = Pick<Tools, 'home' | 'graph'> & { readonly insist: Insist }

/** The rows that say that an event of another server came to us alone, so that it is for us to tell the others. The key is its id. */
export const relayKind = 'relay'

/** This server's events among the rows of the log, in their order, where others are in the room. A room without others costs nothing. */
export async function addressedEvents({ home, graph, insist }: Needs, rows: readonly Logged[], upTo: number): Promise<Addressed[]> {
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
    const ofRoom = await insist(`the events of ${roomId}`, async () => {
      const room = await graph.room(roomId)
      // Where the room has moved on, its members now need not be those of then.
      if (room === undefined || (!remoteMoved && room.position <= upTo && isLocal(room, serverName))) return []
      const { events } = await graph.arrived(roomId, first - 1, last, count)
      const ours = events.filter(({ pdu, handed }) => serverNameOf(pdu.sender) === serverName && !handed)
      return Promise.all(ours.map((event) => address(graph, room, event, serverName)))
    })
    found.push(...(ofRoom ?? []))
  }
  for (const { kind, key } of rows) {
    if (kind !== relayKind) continue
    const passedOn = await insist(`the event ${key}`, async () => {
      const event = await graph.event(key as EventId)
      const room = event && (await graph.room(event.roomId))
      return event && room && address(graph, room, event, serverName)
    })
    if (passedOn !== undefined) found.push(passedOn)
  }
  return found.filter(({ servers }) => servers.size > 0).sort((a, b) => (a.event.position ?? 0) - (b.event.position ?? 0))
}

function isLocal({ servers }: RoomView, serverName: ServerName): boolean {
  return servers.size === 0 || (servers.size === 1 && servers.has(serverName))
}

/** "The servers in the room" are those before the event and after it: whoever is made to leave is told, and whose invitation is taken back. */
async function address(graph: Graph, room: RoomView, event: TimelineEvent, serverName: ServerName): Promise<Addressed> {
  const servers = new Set(await serversAt(graph, room, event))
  const { type, state_key: target, sender } = event.pdu
  const hadPart = tookPart.has(event.replacedContent?.['membership'])
  if (type === 'm.room.member' && target !== undefined && hadPart) servers.add(serverNameOf(target as UserId))
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
