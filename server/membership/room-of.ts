import { isRoomAlias, isRoomId, isServerName, type RoomId, type ServerName, serverNameOf } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import type { Call } from '../http/endpoint.ts'
import { fetchAlias } from '../remote/fetch-alias.ts'
import type { Tools } from '../slice.ts'

/** A room, and the servers that may know it. */
export type Found = { readonly roomId: RoomId; readonly servers: readonly ServerName[] }

const mostNamed = 20

/** The room that an id or an alias in the path names; 404 M_NOT_FOUND for an alias that nobody has. */
export async function findRoom({ graph, people, home }: Tools, call: Call<'access_token'>): Promise<Found> {
  const idOrAlias = call.params['roomIdOrAlias'] ?? ''
  const named = viaOf(call)
  if (isRoomId(idOrAlias)) return { roomId: idOrAlias, servers: named }
  if (!isRoomAlias(idOrAlias)) throw invalidParam('this is neither a room id (!…) nor an alias (#name:example.org)')
  if (serverNameOf(idOrAlias) !== home.serverName) {
    const { roomId, servers } = await fetchAlias(home.peers, idOrAlias)
    return { roomId, servers: [...named, ...servers] }
  }
  const known = await graph.aliasTarget(idOrAlias)
  const roomId = known ?? ((await people.queryAlias(idOrAlias, call.requester.service)) ? await graph.aliasTarget(idOrAlias) : undefined)
  if (roomId === undefined) throw notFound('no room has this alias')
  return { roomId, servers: named }
}

/** The servers that a client names, under today's name of the parameter and the former one. */
export function viaOf({ query }: Pick<Call, 'query'>): ServerName[] {
  return [...query.getAll('via'), ...query.getAll('server_name')].filter(isServerName).slice(0, mostNamed)
}
