import { eventIdParameter } from '../core/fields.ts'
import { notFound } from '../core/matrix-error.ts'
import { clientEventText } from '../graph/client-event.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { withBundles } from './with-bundles.ts'

/** Deprecated, and asked for by old clients still. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid */
export function oneEvent(tools: Tools): Endpoint[] {
  const { graph } = tools
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/events/{eventId}',
      aliases: ['/_matrix/client/r0/events/{eventId}'],
      operationId: 'getOneEvent',
      auth: 'access_token',
      body: 'none',
      handle: async ({ params, requester }) => {
        const event = await graph.event(eventIdParameter(params['eventId']))
        if (event === undefined) throw notFound('there is no such event, or you may not see it')
        const seen = await graph.visibleEvent(event.roomId, event.eventId, requester.userId)
        return { body: clientEventText(seen, await withBundles(tools, requester, [seen])) }
      },
    }),
  ]
}
