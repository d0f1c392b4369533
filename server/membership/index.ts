import type { Slice, Tools } from '../slice.ts'
import { banning } from './banning.client.ts'
import { inviting } from './inviting.client.ts'
import { joining } from './joining.client.ts'
import { kicking } from './kicking.client.ts'
import { knocking } from './knocking.client.ts'
import { leaving } from './leaving.client.ts'
import { listJoinedRooms } from './list-joined-rooms.client.ts'

/** Who is in a room: joining, knocking, inviting, leaving, kicking, banning. */
export function membership(tools: Tools): Slice {
  return {
    name: 'membership',
    endpoints: [
      ...joining(tools),
      ...knocking(tools),
      ...inviting(tools),
      ...leaving(tools),
      ...kicking(tools),
      ...banning(tools),
      ...listJoinedRooms(tools),
    ],
  }
}
