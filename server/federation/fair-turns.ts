import type { RoomId, ServerName } from '../core/ids.ts'

/** Runs work for a room, one thing at a time: of each server in the order in which it came, and of all servers in turns. */
export type FairTurns = <T>(roomId: RoomId, origin: ServerName, work: () => Promise<T>) => Promise<T>

type Waiting = Map<ServerName, (() => Promise<unknown>)[]>

/** However much one server sends, each of the others waits for one thing of it at most. */
export function createFairTurns(): FairTurns {
  const rooms = new Map<RoomId, Waiting>()

  async function run(roomId: RoomId, waiting: Waiting): Promise<void> {
    for (const [origin, works] of waiting) {
      await works.shift()?.()
      waiting.delete(origin)
      // Whoever had a turn is behind all who came meanwhile.
      if (works.length > 0) waiting.set(origin, works)
    }
    rooms.delete(roomId)
  }

  return (roomId, origin, work) =>
    new Promise((resolve, reject) => {
      const waiting: Waiting = rooms.get(roomId) ?? new Map()
      const mine = waiting.get(origin) ?? []
      mine.push(() => work().then(resolve, reject))
      waiting.set(origin, mine)
      if (rooms.has(roomId)) return
      rooms.set(roomId, waiting)
      void run(roomId, waiting)
    })
}
