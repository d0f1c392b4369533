import { eventIdParameter, roomIdOf } from '../core/fields.ts'
import { missingParam, notFound } from '../core/matrix-error.ts'
import type { Asked } from '../graph/for-servers/for-servers.ts'
import { type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import { replyWith } from '../http/long-body.ts'
import type { Tools } from '../slice.ts'
import type { MakeInTurn } from './in-turn.ts'
import { readMoment } from './moment.ts'
import { transactionOf } from './pdu-list.ts'

/** Events and states for other servers. https://spec.matrix.org/v1.19/server-server-api/#retrieving-events */
export function eventsForServers({ graph, home }: Tools, inTurn: MakeInTurn): Endpoint[] {
  const { forServers } = graph
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/event/{eventId}',
      operationId: 'getEvent',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ params, origin }) => {
        const pdu = await forServers.event(eventIdParameter(params['eventId']), origin)
        return { body: transactionOf(home, [pdu]) }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/state/{roomId}',
      operationId: 'getRoomState',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => inTurn(call, async () => replyWith(call.response, '{"pdus":', await forServers.state(askedOf(call)))),
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/state_ids/{roomId}',
      operationId: 'getRoomStateIds',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => inTurn(call, async () => replyWith(call.response, '', await forServers.stateIds(askedOf(call)))),
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/timestamp_to_event/{roomId}',
      aliases: ['/_matrix/federation/unstable/org.matrix.msc3030/timestamp_to_event/{roomId}'],
      operationId: 'getEventByTimestamp',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ params, query, origin }) => {
        const { timestamp, direction } = readMoment(query)
        const found = await forServers.closest(roomIdOf(params['roomId']), origin, timestamp, direction)
        if (found === undefined) throw notFound(`there is no event ${direction === 'f' ? 'after' : 'before'} this moment here`)
        return { body: { event_id: found.eventId, origin_server_ts: found.timestamp } }
      },
    }),
  ]
}

function askedOf({ params, query, origin }: Call<'x-matrix'>): Asked {
  const eventId = query.get('event_id')
  if (eventId === null) throw missingParam('`event_id` is missing')
  return { roomId: roomIdOf(params['roomId']), eventId: eventIdParameter(eventId), server: origin }
}
