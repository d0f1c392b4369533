import type { Section, Slice, Tools } from '../slice.ts'
import { createListeners } from '../storage/listeners.ts'
import { createAccountFacts } from './account-facts.ts'
import { createConnections } from './connections.ts'
import { slidingSyncEndpoint } from './sliding-sync.client.ts'

/** Sliding sync: what changed in the rooms that a client looks at. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 */
export function slidingSync(tools: Tools, sections: () => readonly Section[]): Slice {
  const connections = createConnections(tools.home)
  const listeners = createListeners(tools.home.notifier, tools.graph.joinedRooms)
  return {
    name: 'sliding sync',
    endpoints: [slidingSyncEndpoint({ ...tools, facts: createAccountFacts(tools.home), connections, listeners }, sections)],
    forget: { device: async (userId, deviceId) => connections.forgetDevice(userId, deviceId) },
  }
}
