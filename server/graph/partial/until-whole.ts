import type { RoomId } from '../../core/ids.ts'
import { unreachable } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import type { Rooms } from '../rooms.ts'

const patienceMs = 30_000

/**
 * Waits until all memberships of a room are here; at once for one that is whole, unknown, or left. 502 M_UNKNOWN when they do not come in time: nobody's fault,
 * they are still on the way.
 */
export async function untilWhole(
  { rooms, notifier, serverName }: Pick<Home, 'notifier' | 'serverName'> & { readonly rooms: Rooms },
  roomId: RoomId,
): Promise<void> {
  const isHalf = async () => {
    const room = await rooms.load(roomId)
    return room?.partial !== undefined && room.servers.has(serverName)
  }
  if (!(await isHalf())) return
  const subscription = notifier.subscribe([roomId])
  const end = performance.now() + patienceMs
  try {
    for (;;) {
      const seen = notifier.position()
      if (!(await isHalf())) return
      const left = end - performance.now()
      if (left <= 0) throw unreachable('the members of this room are still being fetched from the other servers: try again in a moment')
      await subscription.wait(seen, left)
    }
  } finally {
    subscription.close()
  }
}
