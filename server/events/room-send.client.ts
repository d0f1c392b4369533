import { roomIdOf } from '../core/fields.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson, unknown } from '../core/matrix-error.ts'
import { relationOf } from '../core/relation.ts'
import { transactionKey } from '../graph/commit.ts'
import type { Graph } from '../graph/graph.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { readDelay } from './delayed-events.client.ts'
import type { DelayedEvents } from './delayed-events.ts'
import { redactionTemplate } from './redaction.client.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid */
export function roomSend({ graph, home }: Tools, delayed: DelayedEvents): Endpoint[] {
  return [
    endpoint({
      method: 'PUT',
      path: '/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}',
      operationId: 'sendMessage',
      auth: 'access_token',
      body: 'json',
      rate: 'message',
      handle: async (call) => {
        const { requester, params, path } = call
        const roomId = roomIdOf(params['roomId'])
        const type = params['eventType'] ?? ''
        if (type === '') throw badJson('an event has a type')
        if (type === 'm.room.create') throw badJson('a room has one create event, its first')
        await checkThread(graph, call.body)
        const timestamp = timestampOf(call)
        const template =
          type === 'm.room.redaction'
            ? await redactionTemplate(graph, roomId, requester, call.body)
            : { type, sender: requester.userId, content: call.body }
        const transaction = { session: requester.session, path, id: params['txnId'] ?? '' }
        const delay = readDelay(call.query, home.config.delayed_events.longest)
        if (delay !== undefined) return { body: { delay_id: await delayed.schedule(roomId, template, delay, transactionKey(transaction)) } }
        const { eventIds } = await graph.append(roomId, [timestamp === undefined ? template : { ...template, timestamp }], {
          transaction,
        })
        return { body: { event_id: eventIds[0] } }
      },
    }),
  ]
}

/** "Servers SHOULD reject client requests which attempt to start a thread off an event with an m.relates_to property", with 400 M_UNKNOWN. */
async function checkThread(graph: Pick<Graph, 'event'>, content: JsonObject): Promise<void> {
  const relation = relationOf(content)
  if (relation?.relType !== 'm.thread') return
  const root = await graph.event(relation.eventId)
  if (root !== undefined && relationOf(root.pdu.content) !== undefined)
    throw unknown('a thread cannot begin with an event of another relation')
}
