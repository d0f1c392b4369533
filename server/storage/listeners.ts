import type { RoomId, UserId } from '../core/ids.ts'
import type { Notifier, Subscription } from './notifier.ts'

/** A device's standing interest: its user and the rooms that the user is in. It outlives polls, so that a poll costs nothing per room. */
export type Listener = { readonly subscription: Subscription; readonly refresh: () => Promise<void> }

export type Listeners = { readonly of: (requester: { readonly session: string; readonly userId: UserId }) => Promise<Listener> }

const mostIdle = 20_000

/** Keeps a listener for each session; the one unused for longest goes when there are too many. `joinedRooms` gives the same set until there is another. */
export function createListeners(
  notifier: Pick<Notifier, 'subscribe'>,
  joinedRooms: (userId: UserId) => Promise<{ readonly rooms: ReadonlySet<RoomId> }>,
): Listeners {
  const listeners = new Map<string, Listener>()

  async function make(userId: UserId): Promise<Listener> {
    let { rooms } = await joinedRooms(userId)
    const subscription = notifier.subscribe([userId, ...rooms])
    return {
      subscription,
      refresh: async () => {
        const { rooms: now } = await joinedRooms(userId)
        const before = rooms
        if (now === before) return
        rooms = now
        for (const roomId of before) if (!now.has(roomId)) subscription.delete(roomId)
        for (const roomId of now) if (!before.has(roomId)) subscription.add(roomId)
      },
    }
  }

  return {
    of: async ({ session, userId }) => {
      // The users of an application service share its session.
      const key = `${userId} ${session}`
      const made = listeners.has(key) ? undefined : await make(userId)
      const known = listeners.get(key) ?? made!
      // Another request of the session came first.
      if (made !== undefined && made !== known) made.subscription.close()
      listeners.delete(key)
      listeners.set(key, known)
      if (listeners.size > mostIdle) {
        const [oldest, listener] = listeners.entries().next().value as [string, Listener]
        listener.subscription.close()
        listeners.delete(oldest)
      }
      return known
    },
  }
}
