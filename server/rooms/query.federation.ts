import { isRoomAlias, serverNameOf } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/** Rooms by the aliases of this server, for other servers. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
export function queryRoomDirectory({ home, graph, people }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/query/directory',
      operationId: 'queryRoomDirectory',
      auth: 'x-matrix',
      body: 'none',
      handle: async ({ query }) => {
        const alias = query.get('room_alias') ?? undefined
        if (!isRoomAlias(alias)) throw invalidParam('room_alias is not a room alias')
        if (serverNameOf(alias) !== home.serverName) throw notFound('the alias is one of another server')
        const known = await graph.aliasTarget(alias)
        const roomId = known ?? ((await people.queryAlias(alias)) ? await graph.aliasTarget(alias) : undefined)
        if (roomId === undefined) throw notFound('no room has this alias')
        return { body: { room_id: roomId, servers: [home.serverName] } }
      },
    }),
  ]
}
