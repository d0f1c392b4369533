import { isRoomAlias, serverNameOf } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { localAlias } from './local-alias.ts'

/** Rooms by the aliases of this server, for other servers. https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory */
export function queryRoomDirectory(tools: Tools): Endpoint[] {
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
        if (serverNameOf(alias) !== tools.home.serverName) throw notFound('the alias is one of another server')
        return { body: await localAlias(tools, alias) }
      },
    }),
  ]
}
