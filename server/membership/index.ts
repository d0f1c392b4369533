import { createLanes, type Lanes } from '../graph/lanes.ts'
import type { Call, Endpoint } from '../http/endpoint.ts'
import type { Slice, Tools } from '../slice.ts'
import { banning } from './banning.client.ts'
import { invitesFederation } from './invites.federation.ts'
import { inviting } from './inviting.client.ts'
import { joining } from './joining.client.ts'
import { joinsFederation } from './joins.federation.ts'
import { kicking } from './kicking.client.ts'
import { knocking } from './knocking.client.ts'
import { knocksFederation } from './knocks.federation.ts'
import { leavesFederation } from './leaves.federation.ts'
import { leaving } from './leaving.client.ts'
import { listJoinedRooms } from './list-joined-rooms.client.ts'
import { thirdPartyInvite } from './third-party-invite.federation.ts'

/** Who is in a room: joining, knocking, inviting, leaving, kicking, banning. */
export function membership(tools: Tools): Slice {
  const lanes = createLanes()
  return {
    name: 'membership',
    endpoints: [
      ...[...joining(tools), ...knocking(tools), ...leaving(tools)].map((one) => inTurn(lanes, one)),
      ...inviting(tools),
      ...kicking(tools),
      ...banning(tools),
      ...listJoinedRooms(tools),
      ...joinsFederation(tools),
      ...leavesFederation(tools),
      ...knocksFederation(tools),
      ...invitesFederation(tools),
      ...thirdPartyInvite(tools),
    ],
    readers: [
      { name: 'whole-rooms', start: tools.graph.wholeRooms.resume, stop: tools.graph.wholeRooms.stop },
      { name: 'kept aside', start: tools.graph.outside.resume, stop: tools.graph.outside.stop },
    ],
  }
}

/** Takes the requests of one user about one room one after the other: to join twice, or to leave twice, at once is to do it once. */
function inTurn(lanes: Lanes, endpoint: Endpoint): Endpoint {
  const handle = (call: Call) => {
    const { requester, params } = call as Call<'access_token'>
    return lanes(`${requester.userId} ${params['roomId'] ?? params['roomIdOrAlias']}`, () => endpoint.handle(call))
  }
  return { ...endpoint, handle }
}
