import type { RoomId } from '../../core/ids.ts'
import { unreachable } from '../../core/matrix-error.ts'
import type { Home } from '../../home.ts'
import type { Rooms } from '../rooms.ts'

const patienceMs = 30_000

/**
 * Waits until all memberships of a room are here; at once for one that is whole, or unknown. 502 M_UNKNOWN when they do not come in time: nobody's fault,
 * they are still on the way.
 */
export async function untilWhole({ rooms, notifier }: Pick<Home, 'notifier'> & { readonly rooms: Rooms }, roomId: RoomId): Promise<void> {
  if ((await rooms.load(roomId))?.partial === undefined) return
  const subscription = notifier.subscribe([roomId])
  const end = performance.now() + patienceMs
  try {
    for (;;) {
      const seen = notifier.position()
      if ((await rooms.load(roomId))?.partial === undefined) return
      const left = end - performance.now()
      if (left <= 0) throw unreachable('the members of this room are still being fetched from the other servers: try again in a moment')
      await subscription.wait(seen, left)
    }
  } finally {
    subscription.close()
  }
}
