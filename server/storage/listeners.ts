import type { RoomId, UserId } from '../core/ids.ts'
import type { Notifier, Subscription } from './notifier.ts'

/** A device's standing interest: its user and the rooms that the user is in. It outlives polls, so that a poll costs nothing per room. */
export type Listener = { readonly subscription: Subscription; readonly refresh: () => Promise<void> }

export type Listeners = { readonly of: (requester: { readonly session: string; readonly userId: UserId }) => Promise<Listener> }

type Kept = Listener & { waits: number }
type JoinedRooms = (userId: UserId) => Promise<{ readonly rooms: ReadonlySet<RoomId> }>

/** How many of the oldest are looked at for one that nobody waits with. */
const mostLooks = 16

/**
 * Keeps a listener for each session; when there are too many, the one goes that was unused for longest, and none that somebody waits with. `joinedRooms`
 * gives the same set until there is another.
 */
export function createListeners(notifier: Pick<Notifier, 'subscribe'>, joinedRooms: JoinedRooms, most = 20_000): Listeners {
  const listeners = new Map<string, Kept>()

  /** Those with whom somebody waits are in use: they move behind the others. */
  function forgetUnused(used: Kept): void {
    for (const [key, listener] of [...take(listeners, mostLooks)]) {
      if (listener === used) return
      listeners.delete(key)
      if (listener.waits === 0) {
        listener.subscription.close()
        return
      }
      listeners.set(key, listener)
    }
  }

  return {
    of: async ({ session, userId }) => {
      // The users of an application service share its session.
      const key = `${userId} ${session}`
      const made = listeners.has(key) ? undefined : await listen(notifier, joinedRooms, userId)
      const known = listeners.get(key) ?? made!
      // Another request of the session came first.
      if (made !== undefined && made !== known) made.subscription.close()
      listeners.delete(key)
      listeners.set(key, known)
      if (listeners.size > most) forgetUnused(known)
      return known
    },
  }
}

/** A subscription to a user and the user's rooms that counts who waits with it. */
async function listen(notifier: Pick<Notifier, 'subscribe'>, joinedRooms: JoinedRooms, userId: UserId): Promise<Kept> {
  let { rooms } = await joinedRooms(userId)
  const subscription = notifier.subscribe([userId, ...rooms])
  const made: Kept = {
    waits: 0,
    subscription: {
      ...subscription,
      wait: async (after, milliseconds, signal) => {
        made.waits++
        try {
          return await subscription.wait(after, milliseconds, signal)
        } finally {
          made.waits--
        }
      },
    },
    refresh: async () => {
      const { rooms: now } = await joinedRooms(userId)
      const before = rooms
      if (now === before) return
      rooms = now
      for (const roomId of before) if (!now.has(roomId)) subscription.delete(roomId)
      for (const roomId of now) if (!before.has(roomId)) subscription.add(roomId)
    },
  }
  return made
}

function* take<T>(all: Iterable<T>, most: number): Generator<T> {
  let taken = 0
  for (const one of all) {
    if (taken++ === most) return
    yield one
  }
}
