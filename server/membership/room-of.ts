import { isRoomAlias, isRoomId, type RoomId } from '../core/ids.ts'
import { invalidParam, notFound } from '../core/matrix-error.ts'
import type { Call } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/** The room that an id or an alias in the path names; 404 M_NOT_FOUND for an alias that nobody has here. */
export async function roomOf({ graph, people }: Tools, { params, requester }: Call<'access_token'>): Promise<RoomId> {
  const idOrAlias = params['roomIdOrAlias'] ?? ''
  if (isRoomId(idOrAlias)) return idOrAlias
  if (!isRoomAlias(idOrAlias)) throw invalidParam('this is neither a room id (!…) nor an alias (#name:example.org)')
  const known = await graph.aliasTarget(idOrAlias)
  const roomId = known ?? ((await people.queryAlias(idOrAlias, requester.service)) ? await graph.aliasTarget(idOrAlias) : undefined)
  if (roomId === undefined) throw notFound('no room has this alias')
  return roomId
}
