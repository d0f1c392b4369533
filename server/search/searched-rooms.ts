import { matchesRoom } from '../core/event-filter.ts'
import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Tools } from '../slice.ts'
import { selectRooms } from './search.store.ts'
import type { SearchRequest } from './search-request.ts'

const mostVersions = 20

/** By their ids the numbers that rooms have in the index; `withPast` are those of them of which there is history that other servers gave. */
export type SearchedRooms = { readonly rooms: ReadonlyMap<string, number>; readonly withPast: ReadonlyMap<string, number> }

/** The rooms that a user's search looks in: those the user is or was in, and that are not encrypted. */
export async function searchedRooms(
  { home, graph }: Pick<Tools, 'home' | 'graph'>,
  userId: UserId,
  request: SearchRequest,
): Promise<SearchedRooms> {
  const { filter, from } = request
  const own = new Set<RoomId>()
  for (const [roomId, { membership, forgotten }] of await graph.memberships(userId)) {
    if (membership === 'join' || ((membership === 'leave' || membership === 'ban') && !forgotten)) own.add(roomId)
  }
  const wanted = filter.rooms === undefined ? own : await withPredecessors(graph, filter.rooms, own)
  const rooms = [...wanted].filter((roomId) => own.has(roomId) && matchesRoom({ ...notRooms(filter.not_rooms) }, roomId))
  const chosen = from?.room === undefined ? rooms : rooms.filter((roomId) => roomId === from.room)
  const rows = await home.database.select(selectRooms, chosen)
  const plain = rows.filter(({ encrypted }) => encrypted === 0)
  return { rooms: numbersOf(plain), withPast: numbersOf(plain.filter(({ history }) => history === 1)) }
}

function numbersOf(rows: readonly { room_id: string; number: number }[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ room_id, number }) => [room_id, number]))
}

function notRooms(rooms: readonly RoomId[] | undefined) {
  return rooms === undefined ? {} : { not_rooms: rooms }
}

/** Whoever searches in a room means what was said in it before it was upgraded, too. */
async function withPredecessors(graph: Tools['graph'], rooms: readonly RoomId[], own: ReadonlySet<RoomId>): Promise<Set<RoomId>> {
  const wanted = new Set<RoomId>()
  for (const first of rooms) {
    let roomId: RoomId | undefined = first
    for (let versions = 0; versions < mostVersions && roomId !== undefined && own.has(roomId) && !wanted.has(roomId); versions++) {
      wanted.add(roomId)
      const predecessor: unknown = (await graph.room(roomId))?.state('m.room.create', '')?.pdu.content['predecessor']
      const before: unknown = isJsonObject(predecessor) ? predecessor['room_id'] : undefined
      roomId = isRoomId(before) ? before : undefined
    }
  }
  return wanted
}
