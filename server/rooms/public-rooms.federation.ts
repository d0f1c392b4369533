import { forbidden } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { listRooms, readDirectory, readPage, readQuestion } from './public-rooms.ts'

/** The rooms that this server lists, for other servers where the configuration allows it. https://spec.matrix.org/v1.19/server-server-api/#published-room-directory */
export function publicRoomsFederation(tools: Tools): Endpoint[] {
  const of = { path: '/_matrix/federation/v1/publicRooms', auth: 'x-matrix' } as const
  const check = () => {
    if (!tools.home.config.federation.list_public_rooms) throw forbidden('this server does not list its rooms to other servers')
  }
  return [
    endpoint({
      ...of,
      method: 'GET',
      operationId: 'getPublicRooms',
      body: 'none',
      handle: ({ query }) => {
        check()
        const isAll = query.get('include_all_networks') === 'true'
        const directory = readDirectory({ include_all_networks: isAll, third_party_instance_id: query.get('third_party_instance_id') })
        return listRooms(tools, { ...readPage(query), directory })
      },
    }),
    endpoint({
      ...of,
      method: 'POST',
      operationId: 'queryPublicRooms',
      body: 'json?',
      handle: ({ body }) => {
        check()
        return listRooms(tools, readQuestion(body))
      },
    }),
  ]
}
