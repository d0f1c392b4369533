import type { RoomAlias, RoomId, UserId } from '../core/ids.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import { createInterestedRooms, type InterestedRooms } from './interested-rooms.ts'
import { staysOf, wereIn } from './stays.ts'

/**
 * Which services have to do with which room. Kept in memory by room and moved by membership changes, so that an event of a room that no service
 * cares for costs one look-up.
 */
export type Interests = {
  /** The services that have, or had, to do with a room: to be looked at closer. Loads the room the first time. */
  readonly ofRoom: (roomId: RoomId) => Promise<ReadonlySet<string>>
  /** Whether a user is one of the service's own. */
  readonly isOwn: (service: AppService, userId: UserId) => boolean
  /** Since which position the service is interested in the room; undefined when it is not now. */
  readonly since: (service: AppService, roomId: RoomId) => Promise<number | undefined>
  /** "An application service is said to be 'interested' in a given event if it matches any of the namespaces", as it was when the event came. */
  readonly inEvent: (service: AppService, event: TimelineEvent) => Promise<boolean>
  /** Takes note of what changed and tells which services have to look at these rows. Called for every move of the position, in order. */
  readonly follow: (rows: readonly Logged[]) => ReadonlySet<string>
}

/** The interests of the services that have a URL. */
export function createInterests(tools: Pick<Tools, 'home' | 'people' | 'graph'>): Interests {
  const { graph } = tools
  const rooms = createInterestedRooms(tools)
  return {
    ofRoom: async (roomId) => (await rooms.find(roomId)).services,
    isOwn: (service, userId) => rooms.servicesOf(userId).includes(service),
    since: async (service, roomId) => {
      const { whole, users } = await rooms.find(roomId)
      if (whole.has(service.id)) return 0
      const own = users.get(service.id)
      if (own === undefined) return undefined
      const { since } = await staysOf(graph, own, roomId)
      return Number.isFinite(since) ? since : undefined
    },
    inEvent: async (service, event) => {
      const { pdu, roomId } = event
      const isOwn = (userId: string) => rooms.servicesOf(userId as UserId).includes(service)
      if (isOwn(pdu.sender) || (pdu.type === 'm.room.member' && isOwn(pdu.state_key ?? ''))) return true
      const { whole, users } = await rooms.find(roomId)
      if (whole.has(service.id)) return true
      const own = users.get(service.id)
      return own !== undefined && wereIn(graph, own, event)
    },
    follow: follower(rooms),
  }
}

function follower(rooms: InterestedRooms): Interests['follow'] {
  let last: Logged | undefined

  /** The row of a membership comes right after its event's. */
  function memberMoved(userId: UserId, before: Logged | undefined): readonly string[] {
    const services = rooms.servicesOf(userId)
    if (services.length === 0) return []
    rooms.memberMoved(before?.kind === 'event' ? (before.key as RoomId) : undefined, userId)
    return services.map(({ id }) => id)
  }

  function concernedBy(row: Logged): Iterable<string> {
    const { kind, key } = row
    const before = last?.position === row.position - 1 ? last : undefined
    last = row
    if (kind === 'alias') rooms.aliasMoved(key as RoomAlias)
    if (kind === 'membership') return memberMoved(key as UserId, before)
    if (key.startsWith('!')) return rooms.peek(key as RoomId)?.services ?? rooms.all
    if (kind === 'to_device' || kind === 'one_time_keys') return rooms.servicesOf(key as UserId).map(({ id }) => id)
    return kind === 'device_list' || kind === 'presence' ? rooms.all : []
  }

  return (rows) => {
    const concerned = new Set<string>()
    for (const row of rows) for (const id of concernedBy(row)) concerned.add(id)
    return concerned
  }
}
