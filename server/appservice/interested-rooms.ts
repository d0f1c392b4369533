import { type RoomAlias, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { isInNamespace } from '../core/namespaces.ts'
import type { AppService } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { noteUser, noUsers, type Users } from './stays.ts'

/** What services have to do with a room: interested in all of it by its id or an alias, or by their users there. */
export type Interest = { readonly whole: ReadonlySet<string>; readonly users: Map<string, Users>; readonly services: Set<string> }

/** Interests by room, in memory. */
export type InterestedRooms = {
  /** The services that are told anything at all. */
  readonly all: ReadonlySet<string>
  /** "Application services can only register interest in local users." */
  readonly servicesOf: (userId: UserId) => readonly AppService[]
  readonly find: (roomId: RoomId) => Promise<Interest>
  readonly peek: (roomId: RoomId) => Interest | undefined
  /** A user of a service came, went or changed in a room; without a room, in one that is not known. */
  readonly memberMoved: (roomId: RoomId | undefined, userId: UserId) => void
  readonly aliasMoved: (alias: RoomAlias) => void
}

const mostRooms = 100_000

/** What is not in memory is loaded with the room's members. */
export function createInterestedRooms({ home, people, graph }: Pick<Tools, 'home' | 'people' | 'graph'>): InterestedRooms {
  const rooms = new Map<RoomId, Interest>()
  const served = people.services.filter(({ url }) => url !== null)
  const all = new Set(served.map(({ id }) => id))
  const isNamed = aliasMatcher(served)
  let moves = 0

  const servicesOf = (userId: UserId) =>
    serverNameOf(userId) === home.serverName ? people.servicesOf(userId).filter(({ id }) => all.has(id)) : []

  async function load(roomId: RoomId): Promise<Interest> {
    const before = moves
    const whole = new Set(served.filter(({ namespaces }) => isInNamespace(namespaces, roomId)).map(({ id }) => id))
    if (isNamed.byAny) for (const alias of await graph.aliasesOf(roomId)) for (const id of isNamed.by(alias)) whole.add(id)
    const view = await graph.room(roomId)
    const interest: Interest = { whole, users: new Map(), services: new Set(whole) }
    if (view === undefined) return interest
    for (const members of [view.joined, view.invited, view.gone()]) for (const userId of members) note(interest, servicesOf(userId), userId)
    if (moves === before) rooms.set(roomId, interest)
    if (rooms.size > mostRooms) rooms.delete(rooms.keys().next().value!)
    return interest
  }

  function forgetAll(): void {
    rooms.clear()
    moves++
  }

  return {
    all,
    servicesOf,
    find: async (roomId) => rooms.get(roomId) ?? load(roomId),
    peek: (roomId) => rooms.get(roomId),
    memberMoved: (roomId, userId) => {
      moves++
      if (roomId === undefined) return forgetAll()
      const known = rooms.get(roomId)
      if (known !== undefined) note(known, servicesOf(userId), userId)
    },
    aliasMoved: (alias) => {
      if (isNamed.by(alias).length > 0) forgetAll()
    },
  }
}

function note(interest: Interest, services: readonly AppService[], userId: UserId): void {
  for (const { id } of services) {
    const users = interest.users.get(id) ?? noUsers()
    noteUser(users, userId)
    interest.users.set(id, users)
    interest.services.add(id)
  }
}

/** Which services have an alias in their namespaces. */
function aliasMatcher(services: readonly AppService[]) {
  const some = services.filter(({ namespaces }) => namespaces.aliases.length > 0)
  const by = (alias: RoomAlias) => some.filter(({ namespaces }) => isInNamespace(namespaces, alias)).map(({ id }) => id)
  return { byAny: some.length > 0, by }
}
