import type { Slice, Tools } from '../slice.ts'
import { appserviceRoomDirectory } from './appservice-room-directory.client.ts'
import { createRoom } from './create-room.client.ts'
import { directory } from './directory.client.ts'
import { listPublicRooms } from './list-public-rooms.client.ts'
import { publicRoomsFederation } from './public-rooms.federation.ts'
import { queryRoomDirectory } from './query.federation.ts'
import { roomSummaryEndpoints } from './room-summary.client.ts'
import { roomUpgrades } from './room-upgrades.client.ts'
import { spaceHierarchy } from './space-hierarchy.client.ts'
import { spaceHierarchyForServers } from './space-hierarchy.federation.ts'
import { createAskTree } from './trees-of-others.ts'

/** Making rooms, naming, publishing and replacing them, and looking at them from outside. */
export function rooms(tools: Tools): Slice {
  const askTree = createAskTree(tools.home)
  return {
    name: 'rooms',
    endpoints: [
      ...createRoom(tools),
      ...directory(tools),
      ...queryRoomDirectory(tools),
      ...roomUpgrades(tools),
      ...listPublicRooms(tools),
      ...publicRoomsFederation(tools),
      ...appserviceRoomDirectory(tools),
      ...roomSummaryEndpoints(tools, askTree),
      ...spaceHierarchy(tools, askTree),
      ...spaceHierarchyForServers(tools),
    ],
  }
}
