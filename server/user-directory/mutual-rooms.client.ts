import { isRoomId, isUserId, type RoomId } from '../core/ids.ts'
import { invalidParam, missingParam } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

const pageSize = 100

type Names = { readonly from: string; readonly next: string }

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms and what it was called before. */
export function mutualRooms(tools: Pick<Tools, 'graph'>): Endpoint[] {
  const of = (path: string, names: Names) =>
    endpoint({
      method: 'GET',
      path,
      operationId: 'getMutualRooms',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: (call) => mutualRoomsOf(tools, call, names),
    })
  const unstable = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'
  return [
    of('/_matrix/client/v1/mutual_rooms', { from: 'from', next: 'next_batch' }),
    of(unstable, { from: 'batch_token', next: 'next_batch_token' }),
  ]
}

async function mutualRoomsOf({ graph }: Pick<Tools, 'graph'>, { query, requester }: Call<'access_token'>, names: Names): Promise<Reply> {
  const other = query.get('user_id')
  if (other === null) throw missingParam('`user_id` is missing')
  if (!isUserId(other)) throw invalidParam('`user_id` must be a user id, as @someone:example.org')
  if (other === requester.userId) throw invalidParam('these are your own rooms')
  const after = readFrom(query.get(names.from))
  const own = await graph.memberships(requester.userId)
  const mutual: RoomId[] = []
  for (const [roomId, { membership }] of await graph.memberships(other)) {
    if (membership === 'join' && own.get(roomId)?.membership === 'join') mutual.push(roomId)
  }
  mutual.sort()
  const joined = mutual.filter((roomId) => roomId > after).slice(0, pageSize)
  const lastOne = joined.at(-1)
  const isMore = lastOne !== undefined && lastOne !== mutual.at(-1)
  return { body: { joined, count: mutual.length, ...(isMore ? { [names.next]: `m1_${Buffer.from(lastOne).toString('base64url')}` } : {}) } }
}

function readFrom(text: string | null): string {
  if (text === null || text === '') return ''
  const roomId = text.startsWith('m1_') ? Buffer.from(text.slice(3), 'base64url').toString() : ''
  if (!isRoomId(roomId)) throw invalidParam('this is not a token of this server')
  return roomId
}
