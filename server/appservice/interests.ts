import { type RoomAlias, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { isInNamespace } from '../core/namespaces.ts'
import type { TimelineEvent } from '../graph/graph.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'

/**
 * Which services have to do with which room. Kept in memory by room and moved by membership changes, so that an event of a room that no service
 * cares for costs one look-up.
 */
export type Interests = {
  /** The services that have, or had, to do with a room: to be looked at closer. Loads the room the first time. */
  readonly ofRoom: (roomId: RoomId) => Promise<ReadonlySet<string>>
  /** Whether the service is interested in the room from a position on: since when, undefined when it is not now. */
  readonly since: (service: AppService, roomId: RoomId) => Promise<number | undefined>
  /** "An application service is said to be 'interested' in a given event if it matches any of the namespaces", as it was when the event came. */
  readonly inEvent: (service: AppService, event: TimelineEvent) => Promise<boolean>
  /** Takes note of what changed and tells which services have to look at these rows. Called for every move of the position, in order. */
  readonly follow: (rows: readonly Logged[]) => ReadonlySet<string>
}

/** A service's users in a room, whatever they are or were there. */
type Users = { readonly all: Set<UserId>; stays: Stays | undefined; changes: number }

/** From `since` on one of the users is in the room; after `quiet` nothing of them changed. `witness` is who came first of those who are in. */
type Stays = { readonly since: number; readonly quiet: number; readonly witness: UserId | undefined }

type Interest = { readonly whole: ReadonlySet<string>; readonly users: Map<string, Users>; readonly services: Set<string> }

const mostRooms = 100_000

export function createInterests({ home, people, graph }: Pick<Tools, 'home' | 'people' | 'graph'>): Interests {
  const rooms = new Map<RoomId, Interest>()
  const served = people.services.filter(({ url }) => url !== null)
  const all = new Set(served.map(({ id }) => id))
  const withAliases = served.filter(({ namespaces }) => namespaces.aliases.length > 0)
  let generation = 0
  let last: Logged | undefined

  /** "Application services can only register interest in local users." */
  function servicesOf(userId: UserId): readonly AppService[] {
    return serverNameOf(userId) === home.serverName ? people.servicesOf(userId).filter(({ id }) => all.has(id)) : []
  }

  async function wholeOf(roomId: RoomId): Promise<Set<string>> {
    const whole = new Set(served.filter(({ namespaces }) => isInNamespace(namespaces, roomId)).map(({ id }) => id))
    if (withAliases.length === 0) return whole
    const aliases: RoomAlias[] = await graph.aliasesOf(roomId)
    for (const { id, namespaces } of withAliases) if (aliases.some((alias) => isInNamespace(namespaces, alias))) whole.add(id)
    return whole
  }

  async function load(roomId: RoomId): Promise<Interest> {
    const before = generation
    const whole = await wholeOf(roomId)
    const view = await graph.room(roomId)
    const interest: Interest = { whole, users: new Map(), services: new Set(whole) }
    if (view === undefined) return interest
    for (const userId of view.joined) note(interest, userId)
    for (const userId of view.invited) note(interest, userId)
    for (const userId of view.gone()) note(interest, userId)
    if (generation === before) rooms.set(roomId, interest)
    if (rooms.size > mostRooms) rooms.delete(rooms.keys().next().value!)
    return interest
  }

  function note(interest: Interest, userId: UserId): void {
    for (const { id } of servicesOf(userId)) {
      const users = interest.users.get(id) ?? { all: new Set(), stays: undefined, changes: 0 }
      users.all.add(userId)
      // As long as the witness stays, nobody else's coming and going matters.
      if (users.stays?.witness === undefined || users.stays.witness === userId) {
        users.stays = undefined
        users.changes++
      }
      interest.users.set(id, users)
      interest.services.add(id)
    }
  }

  const find = async (roomId: RoomId) => rooms.get(roomId) ?? load(roomId)

  async function staysOf(users: Users, roomId: RoomId): Promise<Stays> {
    if (users.stays !== undefined) return users.stays
    const { changes } = users
    let stays: Stays = { since: Number.POSITIVE_INFINITY, quiet: 0, witness: undefined }
    for (const userId of [...users.all]) {
      const membership = (await graph.memberships(userId)).get(roomId)
      if (membership === undefined) continue
      const quiet = Math.max(stays.quiet, membership.position)
      const isFirst = membership.membership === 'join' && membership.joinedAt < stays.since
      stays = isFirst ? { since: membership.joinedAt, quiet, witness: userId } : { ...stays, quiet }
    }
    if (users.changes === changes) users.stays = stays
    return stays
  }

  async function wasIn(users: Users, { roomId, stateGroup, position = 0 }: TimelineEvent): Promise<boolean> {
    const wanted: [string, string][] = []
    for (const userId of users.all) {
      if (((await graph.memberships(userId)).get(roomId)?.position ?? 0) > position) wanted.push(['m.room.member', userId])
    }
    return (await graph.stateOf(stateGroup, wanted)).some(({ pdu }) => pdu.content['membership'] === 'join')
  }

  async function inEvent(service: AppService, event: TimelineEvent): Promise<boolean> {
    const { pdu, roomId, position = 0 } = event
    const isOwn = (userId: string) => servicesOf(userId as UserId).includes(service)
    if (isOwn(pdu.sender) || (pdu.type === 'm.room.member' && isOwn(pdu.state_key ?? ''))) return true
    const interest = await find(roomId)
    if (interest.whole.has(service.id)) return true
    const users = interest.users.get(service.id)
    if (users === undefined) return false
    const { since, quiet } = await staysOf(users, roomId)
    return position >= since || (position <= quiet && wasIn(users, event))
  }

  /** An alias came or went; where it points to now is asked anew. */
  function aliasMoved(alias: RoomAlias): void {
    if (!withAliases.some(({ namespaces }) => isInNamespace(namespaces, alias))) return
    rooms.clear()
    generation++
  }

  /** A membership's row comes right after its event's. */
  function memberMoved(userId: UserId, before: Logged | undefined): Iterable<string> {
    const services = servicesOf(userId)
    if (services.length === 0) return []
    generation++
    if (before?.kind !== 'event') rooms.clear()
    else {
      const known = rooms.get(before.key as RoomId)
      if (known !== undefined) note(known, userId)
    }
    return services.map(({ id }) => id)
  }

  function concernedBy(row: Logged): Iterable<string> {
    const { kind, key } = row
    const before = last?.position === row.position - 1 ? last : undefined
    last = row
    if (kind === 'alias') aliasMoved(key as RoomAlias)
    if (kind === 'membership') return memberMoved(key as UserId, before)
    if (key.startsWith('!')) return rooms.get(key as RoomId)?.services ?? all
    if (kind === 'to_device' || kind === 'one_time_keys') return servicesOf(key as UserId).map(({ id }) => id)
    return kind === 'device_list' || kind === 'presence' ? all : []
  }

  return {
    ofRoom: async (roomId) => (await find(roomId)).services,
    since: async (service, roomId) => {
      const interest = await find(roomId)
      if (interest.whole.has(service.id)) return 0
      const users = interest.users.get(service.id)
      const since = users === undefined ? Number.POSITIVE_INFINITY : (await staysOf(users, roomId)).since
      return Number.isFinite(since) ? since : undefined
    },
    inEvent,
    follow: (rows) => {
      const concerned = new Set<string>()
      for (const row of rows) for (const id of concernedBy(row)) concerned.add(id)
      return concerned
    },
  }
}
