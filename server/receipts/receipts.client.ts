import { isEventId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { requireJoined } from '../graph/require-joined.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { markers, markRead } from './mark-read.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid */
export function receiptEndpoint({ home, graph }: Pick<Tools, 'home' | 'graph'>): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}',
    aliases: ['/_matrix/client/r0/rooms/{roomId}/receipt/{receiptType}/{eventId}'],
    operationId: 'postReceipt',
    auth: 'access_token',
    body: 'json?',
    rate: 'other',
    handle: async ({ requester: { userId }, params, body }) => {
      const type = markers.find((known) => known === params['receiptType'])
      if (type === undefined) throw invalidParam('there is no such type of receipt')
      const { eventId } = params
      if (!isEventId(eventId)) throw invalidParam('this is not an event id')
      const threadId = readThread(body['thread_id'])
      if (threadId !== undefined && type === 'm.fully_read') throw invalidParam('m.fully_read has no threads')
      const { roomId } = await requireJoined(graph, params['roomId'], userId)
      await markRead({ home, graph }, userId, roomId, [{ type, eventId, threadId }])
      return { body: {} }
    },
  })
}

function readThread(value: Json | undefined): string | undefined {
  if (value === undefined || value === 'main' || isEventId(value)) return value
  throw invalidParam('thread_id is neither main nor the id of an event')
}
