import type { Reader } from '../graph/client-event.ts'
import type { Seen } from '../graph/graph.ts'
import type { Requester } from '../http/endpoint.ts'
import { ignoredUsers } from '../people/ignored-users.ts'
import type { Tools } from '../slice.ts'

/** The requester as a reader of these events, with what is aggregated of the events that relate to them. */
export async function withBundles({ graph, home }: Tools, { userId, session }: Requester, events: readonly Seen[]): Promise<Reader> {
  const reader = { session, userId, now: home.clock.now() }
  const bundles = await graph.bundles(events, { ...reader, userId, ignored: () => ignoredUsers(home.database, userId) })
  return { ...reader, bundles }
}
