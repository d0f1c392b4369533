import { isEventId } from '../core/ids.ts'
import { invalidParam } from '../core/matrix-error.ts'
import { requireJoined } from '../graph/require-joined.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { type Mark, markers, markRead } from './mark-read.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers */
export function readMarkersEndpoint({ home, graph }: Pick<Tools, 'home' | 'graph'>): Endpoint {
  return endpoint({
    method: 'POST',
    path: '/_matrix/client/v3/rooms/{roomId}/read_markers',
    aliases: ['/_matrix/client/r0/rooms/{roomId}/read_markers'],
    operationId: 'setReadMarker',
    auth: 'access_token',
    body: 'json',
    rate: 'other',
    handle: async ({ requester: { userId }, params, body }) => {
      const marks = markers.flatMap((type): Mark[] => {
        const eventId = body[type]
        if (eventId === undefined) return []
        if (!isEventId(eventId)) throw invalidParam(`${type} is not an event id`)
        return [{ type, eventId, threadId: undefined }]
      })
      const { roomId } = await requireJoined(graph, params['roomId'], userId)
      await markRead({ home, graph }, userId, roomId, marks)
      return { body: {} }
    },
  })
}
