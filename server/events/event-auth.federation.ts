import { eventIdParameter, roomIdOf } from '../core/fields.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { MakeInTurn } from './in-turn.ts'
import { withPdus } from './pdu-list.ts'

/** https://spec.matrix.org/v1.19/server-server-api/#retrieving-event-authorisation-information */
export function eventAuth({ graph }: Tools, inTurn: MakeInTurn): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/event_auth/{roomId}/{eventId}',
      operationId: 'getEventAuth',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => {
        const { params, origin } = call
        const asked = { roomId: roomIdOf(params['roomId']), eventId: eventIdParameter(params['eventId']), server: origin }
        return inTurn(call, async () => ({ body: withPdus({}, 'auth_chain', await graph.forServers.authChain(asked)) }))
      },
    }),
  ]
}
