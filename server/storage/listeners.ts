import type { RoomId, UserId } from '../core/ids.ts'
import type { Notifier, Subscription } from './notifier.ts'

/** A device's standing interest: its user and the rooms that the user is in. It outlives polls, so that a poll costs nothing per room. */
export type Listener = { readonly subscription: Subscription; readonly refresh: () => Promise<void> }

export type Listeners = { readonly of: (requester: { readonly session: string; readonly userId: UserId }) => Promise<Listener> }

const mostIdle = 20_000

/** Keeps a listener for each session; the one unused for longest goes when there are too many. `roomsOf` are the rooms that a user is in. */
export function createListeners(
  notifier: Pick<Notifier, 'subscribe'>,
  roomsOf: (userId: UserId) => Promise<ReadonlySet<RoomId>>,
): Listeners {
  const listeners = new Map<string, Listener>()

  async function make(userId: UserId): Promise<Listener> {
    const subscription = notifier.subscribe([userId, ...(await roomsOf(userId))])
    return {
      subscription,
      refresh: async () => {
        const joined = await roomsOf(userId)
        for (const key of subscription.keys) if (key.startsWith('!') && !joined.has(key as RoomId)) subscription.delete(key)
        for (const roomId of joined) if (!subscription.keys.has(roomId)) subscription.add(roomId)
      },
    }
  }

  return {
    of: async ({ session, userId }) => {
      // The users of an application service share its session.
      const key = `${userId} ${session}`
      const known = listeners.get(key) ?? (await make(userId))
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
