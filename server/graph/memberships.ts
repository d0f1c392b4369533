import type { EventId, RoomId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import type { JoinedRooms, Membership, MembershipName, StateEvent } from './graph.ts'
import { type MembershipRow, selectMembershipsOfUser } from './memberships.store.ts'
import type { StateChange } from './room.ts'

/** Every user's memberships by room, in memory once asked for. */
export type Memberships = {
  readonly of: (userId: UserId) => Promise<ReadonlyMap<RoomId, Membership>>
  /** The same object until one of the user's memberships changes. */
  readonly joinedBy: (userId: UserId) => Promise<JoinedRooms>
  /** What is in memory of a user; undefined when it was not asked for yet. */
  readonly peek: (userId: UserId) => ReadonlyMap<RoomId, Membership> | undefined
  /** Durable changes of a room's state, those of memberships among them. */
  readonly apply: (roomId: RoomId, changes: readonly StateChange[], position: number) => void
  readonly setForgotten: (userId: UserId, roomId: RoomId) => void
  /** Reads a user anew, if in memory: another process has changed them. */
  readonly reload: (userId: UserId) => Promise<void>
}

const mostUsersInMemory = 50_000

/** Keeps memberships in memory, bounded by the number of users. */
export function createMemberships(home: Pick<Home, 'database'>): Memberships {
  const loaded = new Map<UserId, Map<RoomId, Membership>>()
  const loading = new Map<UserId, Promise<Map<RoomId, Membership>>>()
  const joined = new WeakMap<ReadonlyMap<RoomId, Membership>, JoinedRooms>()
  const meanwhile = new Map<UserId, Change[]>()

  async function read(userId: UserId): Promise<Map<RoomId, Membership>> {
    meanwhile.set(userId, [])
    try {
      const rows = await home.database.select(selectMembershipsOfUser, userId)
      const rooms = new Map(rows.map((row) => [row.room_id as RoomId, membershipOf(row)]))
      for (const one of meanwhile.get(userId) ?? []) change(rooms, one)
      loaded.set(userId, rooms)
      if (loaded.size > mostUsersInMemory) loaded.delete(loaded.keys().next().value as UserId)
      return rooms
    } finally {
      meanwhile.delete(userId)
      loading.delete(userId)
    }
  }

  function of(userId: UserId): Promise<Map<RoomId, Membership>> {
    const rooms = loaded.get(userId)
    if (rooms !== undefined) return Promise.resolve(rooms)
    const under = loading.get(userId) ?? read(userId)
    loading.set(userId, under)
    return under
  }

  return {
    of,
    joinedBy: async (userId) => {
      const rooms = loaded.get(userId) ?? (await of(userId))
      const known = joined.get(rooms)
      if (known !== undefined) return known
      const found = joinedOf(rooms)
      joined.set(rooms, found)
      return found
    },
    peek: (userId) => loaded.get(userId),
    apply: (roomId, changes, position) => {
      for (const [userId, one] of membershipChanges(roomId, changes, position)) {
        meanwhile.get(userId)?.push(one)
        const rooms = loaded.get(userId)
        if (rooms === undefined) continue
        change(rooms, one)
        joined.delete(rooms)
      }
    },
    setForgotten: (userId, roomId) => {
      const membership = loaded.get(userId)?.get(roomId)
      if (membership !== undefined) loaded.get(userId)?.set(roomId, { ...membership, forgotten: true })
    },
    reload: async (userId) => {
      await loading.get(userId)
      if (!loaded.delete(userId)) return
      await of(userId)
    },
  }
}

function joinedOf(memberships: ReadonlyMap<RoomId, Membership>): JoinedRooms {
  const rooms = new Set<RoomId>()
  let newest = 0
  for (const [roomId, { membership, position }] of memberships) {
    if (membership === 'join') rooms.add(roomId)
    if (position > newest) newest = position
  }
  return { rooms, newest }
}

type Change = { readonly roomId: RoomId; readonly event: StateEvent | undefined; readonly position: number }

function* membershipChanges(roomId: RoomId, changes: readonly StateChange[], position: number): Iterable<readonly [UserId, Change]> {
  for (const { type, stateKey, event } of changes) if (type === 'm.room.member') yield [stateKey as UserId, { roomId, event, position }]
}

function change(rooms: Map<RoomId, Membership>, { roomId, event, position }: Change): void {
  const before = rooms.get(roomId)
  if (before !== undefined && before.position >= position) return
  if (event === undefined) {
    rooms.delete(roomId)
    return
  }
  const { eventId, pdu } = event
  const membership = pdu.content['membership'] as MembershipName
  const joinedAt = membership !== 'join' ? 0 : before?.membership === 'join' ? before.joinedAt : position
  const forgotten = before?.forgotten === true && (membership === 'leave' || membership === 'ban')
  rooms.set(roomId, { membership, eventId, sender: pdu.sender, position, joinedAt, forgotten })
}

function membershipOf(row: MembershipRow): Membership {
  return {
    membership: row.membership,
    eventId: row.event_id as EventId,
    sender: row.sender as UserId,
    position: row.position,
    joinedAt: row.joined_at,
    forgotten: row.forgotten === 1,
  }
}
