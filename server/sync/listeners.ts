import type { RoomId, UserId } from '../core/ids.ts'
import type { Graph } from '../graph/graph.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import type { Subscription } from '../storage/notifier.ts'

/** A device's standing interest: its user and the rooms that the user is in. It outlives polls, so that a poll costs nothing per room. */
export type Listener = { readonly subscription: Subscription; readonly refresh: () => Promise<void> }

export type Listeners = { readonly of: (requester: Requester) => Promise<Listener> }

const mostIdle = 20_000

/** Keeps a listener for each session; the one unused for longest goes when there are too many. */
export function createListeners({ notifier }: Pick<Home, 'notifier'>, graph: Pick<Graph, 'memberships'>): Listeners {
  const listeners = new Map<string, Listener>()

  async function make(userId: UserId): Promise<Listener> {
    const subscription = notifier.subscribe([userId, ...(await joinedRooms(graph, userId))])
    return {
      subscription,
      refresh: async () => {
        const joined = await joinedRooms(graph, userId)
        for (const key of subscription.keys) if (key.startsWith('!') && !joined.has(key as RoomId)) subscription.delete(key)
        for (const roomId of joined) if (!subscription.keys.has(roomId)) subscription.add(roomId)
      },
    }
  }

  return {
    of: async (requester) => {
      const known = listeners.get(requester.session) ?? (await make(requester.userId))
      listeners.delete(requester.session)
      listeners.set(requester.session, known)
      if (listeners.size > mostIdle) {
        const [oldest, listener] = listeners.entries().next().value as [string, Listener]
        listener.subscription.close()
        listeners.delete(oldest)
      }
      return known
    },
  }
}

async function joinedRooms(graph: Pick<Graph, 'memberships'>, userId: UserId): Promise<Set<RoomId>> {
  const joined = new Set<RoomId>()
  for (const [roomId, { membership }] of await graph.memberships(userId)) if (membership === 'join') joined.add(roomId)
  return joined
}
