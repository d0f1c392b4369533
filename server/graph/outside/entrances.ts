import type { RoomId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'

/** Rooms that processes of this server are just entering, each known to all of them: what comes of such a room meanwhile may come to any. */
export type Entrances = {
  /** Does what enters a room, and tells the other processes how long it goes on. */
  readonly during: <T>(roomId: RoomId, enter: () => Promise<T>) => Promise<T>
  /** Resolves when nobody is entering a room; at once where nobody is, and in time where whoever was is lost. */
  readonly over: (roomId: RoomId) => Promise<void>
}

const [begun, ended] = ['room_entering', 'room_entered']
const longest = 2 * 60_000

type Entrance = { count: number; readonly end: () => void; readonly over: Promise<void> }

export function createEntrances({ database, notifier }: Pick<Home, 'database' | 'notifier'>): Entrances {
  // A process alone has its lanes.
  if (!database.shared) return { during: (_, enter) => enter(), over: async () => {} }
  const entrances = new Map<RoomId, Entrance>()
  const tell = (kind: string, roomId: RoomId) => database.commit({ writes: [], log: [{ kind, key: roomId }] })

  function begin(roomId: RoomId): Entrance {
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = () => {
      clearTimeout(lost)
      entrances.delete(roomId)
      resolve()
    }
    const lost = setTimeout(end, longest).unref()
    const entrance = { count: 0, end, over: promise }
    entrances.set(roomId, entrance)
    return entrance
  }

  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) {
      if (kind === begun) (entrances.get(key as RoomId) ?? begin(key as RoomId)).count++
      else if (kind === ended) {
        const entrance = entrances.get(key as RoomId)
        if (entrance !== undefined && --entrance.count <= 0) entrance.end()
      }
    }
  })

  return {
    during: async (roomId, enter) => {
      await tell(begun, roomId)
      // Where it cannot be told the others have it in time.
      return enter().finally(() => tell(ended, roomId).catch(() => {}))
    },
    over: async (roomId) => entrances.get(roomId)?.over,
  }
}
