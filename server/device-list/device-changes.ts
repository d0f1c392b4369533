import type { RoomId, UserId } from '../core/ids.ts'
import type { Graph, MembershipName } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import { deviceChangesBetween, signedUsersBetween } from '../people/device-changes.ts'

export type DeviceLists = { changed: UserId[]; left: UserId[] }

/** For whom: users with the rooms that they are in now. */
export type Watcher = {
  /** The watching user; undefined for an application service, which watches for all of its users. */
  readonly userId: UserId | undefined
  /** Rooms joined now. */
  readonly rooms: ReadonlySet<RoomId>
  /** Those of them joined since. */
  readonly newRooms: ReadonlySet<RoomId>
}

/** What is known to have happened, so that only that is looked up. */
export type Happened = {
  /** The rooms in which somebody may have come or gone. */
  readonly rooms: ReadonlySet<RoomId>
  /** Whether devices may have changed. */
  readonly devices: boolean
  /** Whether the watcher may have left a room. */
  readonly left: boolean
}

type Tools = { readonly home: Pick<Home, 'database'>; readonly graph: Pick<Graph, 'membershipChanges' | 'memberships' | 'room'> }
type Move = { readonly roomId: RoomId; readonly userId: UserId; readonly membership: MembershipName }

const mostRemembered = 256

/**
 * Tells whose devices a watcher has to look at again, and whose no more, for what happened in (after, upTo]: devices or cross-signing keys
 * changed, or a room is shared now and was not before. https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
 */
export function deviceChanges({ home: { database }, graph }: Tools) {
  // Many watchers of one room ask the same question at once.
  const changesIn = remember((after, upTo) => deviceChangesBetween(database, after, upTo))
  const movesIn = remember((after, upTo, roomId) => graph.membershipChanges(after, upTo, new Set([roomId as RoomId])))

  async function shares(userId: UserId, rooms: ReadonlySet<RoomId>): Promise<boolean> {
    for (const [roomId, { membership }] of await graph.memberships(userId)) if (membership === 'join' && rooms.has(roomId)) return true
    return false
  }

  /** Members of rooms that the watcher joined, and of rooms that the watcher left. */
  async function membersOf(roomIds: Iterable<RoomId>): Promise<Set<UserId>> {
    const members = new Set<UserId>()
    for (const roomId of roomIds) for (const userId of (await graph.room(roomId))?.joined ?? []) members.add(userId)
    return members
  }

  async function leftRooms(userId: UserId, after: number, upTo: number): Promise<RoomId[]> {
    const gone = [...(await graph.memberships(userId))].filter(
      ([, { membership, position }]) => (membership === 'leave' || membership === 'ban') && position > after && position <= upTo,
    )
    return gone.map(([roomId]) => roomId)
  }

  /** Whether somebody came in (after, …], and did not just change their profile. */
  async function isNew({ userId, roomId, membership }: Move, after: number): Promise<boolean> {
    return membership === 'join' && ((await graph.memberships(userId)).get(roomId)?.joinedAt ?? 0) > after
  }

  return async (watcher: Watcher, after: number, upTo: number, happened?: Happened): Promise<DeviceLists> => {
    const { userId, rooms, newRooms } = watcher
    const { rooms: movedRooms, devices, left: mayHaveLeft } = happened ?? { rooms, devices: true, left: true }
    const moved = [...movedRooms].filter((roomId) => rooms.has(roomId) && !newRooms.has(roomId))
    const moves: Move[] = (await Promise.all(moved.map((roomId) => movesIn(after, upTo, roomId)))).flat()
    const changed = new Set<UserId>()
    for (const one of devices ? await changesIn(after, upTo, '') : []) if (one === userId || (await shares(one, rooms))) changed.add(one)
    for (const move of moves) if (await isNew(move, after)) changed.add(move.userId)
    // One's own devices are told as one comes to share a room, for one's other devices.
    const met = await membersOf(newRooms)
    if (met.size > 1 || userId === undefined) for (const member of met) changed.add(member)
    const gone = new Set(moves.filter(({ membership }) => membership === 'leave' || membership === 'ban').map((move) => move.userId))
    if (userId !== undefined) {
      for (const signed of devices ? await signedUsersBetween(database, userId, after, upTo) : []) changed.add(signed)
      for (const member of mayHaveLeft ? await membersOf(await leftRooms(userId, after, upTo)) : []) gone.add(member)
    }
    const left: UserId[] = []
    for (const one of gone) if (one !== userId && !(await shares(one, rooms))) left.push(one)
    return { changed: [...changed].filter((one) => !left.includes(one)), left }
  }
}

/** Keeps the answers to the last questions about the past. */
function remember<T>(ask: (after: number, upTo: number, roomId: string) => Promise<T>): typeof ask {
  const known = new Map<string, Promise<T>>()
  return (after, upTo, roomId) => {
    const question = `${after} ${upTo} ${roomId}`
    const answer = known.get(question) ?? ask(after, upTo, roomId)
    known.set(question, answer)
    answer.catch(() => known.delete(question))
    if (known.size > mostRemembered) known.delete(known.keys().next().value!)
    return answer
  }
}
