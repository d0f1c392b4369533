import { readText, roomIdOf } from '../core/fields.ts'
import { badJson, forbidden, invalidParam, notFound } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { instanceIdOf } from '../people/services.ts'
import type { Tools } from '../slice.ts'
import { networkPublication } from './published-rooms.ts'

const longestName = 255

/** https://spec.matrix.org/v1.19/application-service-api/#put_matrixclientv3directorylistappservicenetworkidroomid */
export function appserviceRoomDirectory({ graph, home }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'PUT',
      path: '/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}',
      operationId: 'updateAppserviceRoomDirectoryVisibility',
      auth: 'as_token',
      body: 'json',
      handle: async ({ params, body, requester: { service } }) => {
        const network = params['networkId'] ?? ''
        const roomId = roomIdOf(params['roomId'])
        const visibility = readText(body, 'visibility')
        if (service === undefined) throw forbidden('this is for application services')
        if (network === '' || network.length > longestName) throw invalidParam(`a network's name has 1 to ${longestName} letters`)
        if (visibility !== 'public' && visibility !== 'private') throw badJson('`visibility` must be public or private')
        if ((await graph.freshRoom(roomId)) === undefined) throw notFound('this server knows no such room')
        const isPublic = visibility === 'public'
        await home.database.commit({ writes: [networkPublication(roomId, instanceIdOf(service, network), isPublic)] })
        return { body: {} }
      },
    }),
  ]
}
