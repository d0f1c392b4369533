import type { DeviceId, RoomId, UserId } from '../core/ids.ts'
import { encodeToken } from '../core/stream-token.ts'
import type { MembershipName } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import type { WantedState } from './required-state.ts'

/** What a client holds of a room, as far as this connection told it. */
export type SentRoom = {
  /** The position up to which it was told. Something is new when the room has an event above it. */
  readonly upTo: number
  readonly membership: MembershipName
  /** How many of the newest events the client holds; Infinity for all that it may see. */
  readonly held: number
  readonly wanted: WantedState
  /** Members that were told because they are in the timeline. */
  readonly members: ReadonlySet<UserId>
  readonly isDm: boolean
  /** Unread counts, as text. */
  readonly counts: string
}

/** Where a connection stands once an answer has arrived. */
export type Stand = {
  readonly pos: string
  readonly position: number
  /** The rooms that extensions told of. */
  readonly rooms: ReadonlySet<RoomId>
}

/**
 * One client's conversation. What an answer changes is kept apart until the client comes back with its `pos`: a request that is repeated is answered
 * from the same stand again.
 */
export type Connection = {
  readonly owner: string
  readonly sent: Map<RoomId, SentRoom>
  stand: Stand
  next: (Stand & { readonly changes: ReadonlyMap<RoomId, SentRoom> }) | undefined
  serial: number
  cost: number
  usedAt: number
  /** The newest token of another process's that was looked for in the log. */
  sought: number
  /** The request under way, which a newer one ends and waits for. */
  running: { readonly end: AbortController; readonly done: Promise<unknown> } | undefined
}

export type Connections = {
  /** A connection that begins; another of the same id is gone with it. */
  readonly open: (requester: Requester, connId: string) => Connection
  readonly find: (requester: Requester, connId: string) => Connection | undefined
  /** Whether the connection stands at `pos`, or has just been told it; then what was told with it counts as told. */
  readonly accept: (connection: Connection, pos: string) => boolean
  /** Says what an answer changes, and gives its `pos`. */
  readonly propose: (connection: Connection, position: number, rooms: ReadonlySet<RoomId>, changes: ReadonlyMap<RoomId, SentRoom>) => string
  readonly forgetDevice: (userId: UserId, deviceId: DeviceId) => void
}

const mostOfOwner = 10
const mostConnections = 50_000
/** Rooms and lazily loaded members that all connections together remember. */
const usualCost = 2_000_000
const longestIdle = 7 * 24 * 60 * 60_000

/**
 * Connections live in memory alone, so that a poll writes nothing: one that is not known (any more, or in this process) is answered with
 * `M_UNKNOWN_POS`, and the client begins anew with its first window. Send-to-device messages have a token of their own, and are lost with none.
 * The one unused for longest goes first.
 */
export function createConnections(home: Pick<Home, 'clock' | 'random'>, mostCost = usualCost): Connections {
  const pool = createPool(home, mostCost)
  return {
    open(requester, connId) {
      const owner = ownerOf(requester.userId, requester.deviceId ?? requester.session)
      pool.find(owner, connId)?.running?.end.abort()
      // A number that no connection of the same id had before, in this process or another.
      const serial = home.random(6).readUIntBE(0, 6)
      const stand = { pos: '', position: 0, rooms: new Set<RoomId>() }
      const began = { next: undefined, cost: 1, usedAt: 0, sought: 0, running: undefined }
      return pool.put(connId, { owner, sent: new Map(), stand, serial, ...began })
    },
    find(requester, connId) {
      const connection = pool.find(ownerOf(requester.userId, requester.deviceId ?? requester.session), connId)
      if (connection !== undefined) pool.use(connection)
      return connection
    },
    accept(connection, pos) {
      const { next } = connection
      if (pos === connection.stand.pos) return true
      if (next === undefined || pos !== next.pos) return false
      for (const [roomId, room] of next.changes) {
        pool.grow(connection, costOf(room) - costOf(connection.sent.get(roomId)))
        connection.sent.set(roomId, room)
      }
      connection.stand = { pos: next.pos, position: next.position, rooms: next.rooms }
      connection.next = undefined
      return true
    },
    propose(connection, position, rooms, changes) {
      connection.serial += 1
      const pos = encodeToken(position, connection.serial)
      connection.next = { pos, position, rooms, changes }
      return pos
    },
    forgetDevice: (userId, deviceId) => pool.forget(ownerOf(userId, deviceId)),
  }
}

/** All connections by their owner, bounded by age, by number, and by what they hold. */
function createPool({ clock }: Pick<Home, 'clock'>, mostCost: number) {
  const byOwner = new Map<string, Map<string, Connection>>()
  const all = new Set<Connection>()
  let cost = 0

  function drop(connection: Connection): void {
    if (!all.delete(connection)) return
    cost -= connection.cost
    const own = byOwner.get(connection.owner)
    for (const [connId, one] of own ?? []) if (one === connection) own?.delete(connId)
    if (own?.size === 0) byOwner.delete(connection.owner)
  }

  function use(connection: Connection): void {
    connection.usedAt = clock.now()
    all.delete(connection)
    all.add(connection)
    for (const oldest of all) {
      const isIdle = oldest.usedAt < connection.usedAt - longestIdle
      if (oldest === connection || !(isIdle || all.size > mostConnections || cost > mostCost)) break
      drop(oldest)
    }
  }

  return {
    use,
    find: (owner: string, connId: string) => byOwner.get(owner)?.get(connId),
    put(connId: string, connection: Connection): Connection {
      const { owner } = connection
      const before = byOwner.get(owner)?.get(connId)
      if (before !== undefined) drop(before)
      const others = [...(byOwner.get(owner)?.values() ?? [])]
      if (others.length >= mostOfOwner) drop(others.reduce((oldest, one) => (one.usedAt < oldest.usedAt ? one : oldest)))
      byOwner.set(owner, (byOwner.get(owner) ?? new Map<string, Connection>()).set(connId, connection))
      cost += connection.cost
      use(connection)
      return connection
    },
    grow(connection: Connection, more: number): void {
      connection.cost += more
      if (all.has(connection)) cost += more
    },
    forget(owner: string): void {
      for (const connection of [...(byOwner.get(owner)?.values() ?? [])]) drop(connection)
    },
  }
}

function ownerOf(userId: UserId, deviceOrSession: string): string {
  return `${userId}\0${deviceOrSession}`
}

function costOf(room: SentRoom | undefined): number {
  return room === undefined ? 0 : 1 + room.members.size
}

/** One request of a connection at a time, so that none overtakes another: the one before is told to end, and waited for. */
export async function inTurn<T>(connection: Connection, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const before = connection.running
  before?.end.abort()
  const end = new AbortController()
  const result = (async () => {
    await before?.done.catch(() => undefined)
    return task(AbortSignal.any([signal, end.signal]))
  })()
  const running = { end, done: result }
  connection.running = running
  try {
    return await result
  } finally {
    if (connection.running === running) connection.running = undefined
  }
}
