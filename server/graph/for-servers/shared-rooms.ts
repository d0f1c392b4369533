import type { RoomId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import { selectShared } from './shared-rooms.store.ts'

/** Of these rooms, those in which users of other servers are joined. None of them is loaded for it: most rooms of most servers are shared with nobody. */
export type SharedRooms = (roomIds: Iterable<RoomId>) => Promise<RoomId[]>

const mostKnown = 200_000
/** Members of so many rooms are looked through in one turn. */
const atOnce = 20

/** Remembers of each room that was asked for whether it is shared, until its memberships change. */
export function createSharedRooms({ database, notifier, serverName }: Pick<Home, 'database' | 'notifier' | 'serverName'>): SharedRooms {
  const known = new Map<RoomId, boolean>()
  /** What changes while it is looked up. */
  const looking = new Set<Set<RoomId>>()
  let room: RoomId | undefined
  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) {
      // The row of an event stands before those of the memberships that it changes.
      if (kind === 'event') room = key as RoomId
      else if (kind === 'membership' && room !== undefined) forget(room)
    }
  })
  function forget(roomId: RoomId): void {
    known.delete(roomId)
    for (const changed of looking) changed.add(roomId)
  }
  async function look(roomIds: readonly RoomId[]): Promise<ReadonlySet<string>> {
    const changed = new Set<RoomId>()
    looking.add(changed)
    try {
      const shared = new Set((await database.select(selectShared, roomIds, `%:${serverName}`)).map(({ room_id }) => room_id))
      for (const roomId of roomIds) if (!changed.has(roomId)) known.set(roomId, shared.has(roomId))
      for (const oldest of known.keys()) {
        if (known.size <= mostKnown) break
        known.delete(oldest)
      }
      return shared
    } finally {
      looking.delete(changed)
    }
  }
  return async (roomIds) => {
    const found: RoomId[] = []
    const unknown: RoomId[] = []
    for (const roomId of roomIds) {
      const isShared = known.get(roomId)
      if (isShared === undefined) unknown.push(roomId)
      else if (isShared) found.push(roomId)
    }
    for (let at = 0; at < unknown.length; at += atOnce) {
      const some = unknown.slice(at, at + atOnce)
      const shared = await look(some)
      found.push(...some.filter((roomId) => shared.has(roomId)))
    }
    return found
  }
}
