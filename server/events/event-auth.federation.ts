import { eventIdParameter, roomIdOf } from '../core/fields.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { withPdus } from './pdu-list.ts'

/** https://spec.matrix.org/v1.19/server-server-api/#retrieving-event-authorisation-information */
export function eventAuth({ graph }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/event_auth/{roomId}/{eventId}',
      operationId: 'getEventAuth',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ params, origin }) => {
        const asked = { roomId: roomIdOf(params['roomId']), eventId: eventIdParameter(params['eventId']), server: origin }
        return { body: withPdus({}, 'auth_chain', await graph.forServers.authChain(asked)) }
      },
    }),
  ]
}
