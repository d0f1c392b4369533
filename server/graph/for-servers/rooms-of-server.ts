import type { RoomId, ServerName } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import { selectRoomIds, selectRoomsWith } from './rooms-of-server.store.ts'

/** Members of so many rooms are looked through in one turn. */
const atOnce = 20

/** The rooms in which users of a server are joined, by their ids. Looks through all rooms, a few at a time: for those who administrate. */
export async function roomsOfServer({ database }: Pick<Home, 'database'>, server: ServerName): Promise<RoomId[]> {
  const found: RoomId[] = []
  let rows = await database.select(selectRoomIds, '', atOnce)
  while (rows.length > 0) {
    const ids = rows.map(({ room_id: roomId }) => roomId)
    const inThem = await database.select(selectRoomsWith, ids, `%:${server}`)
    found.push(...inThem.map(({ room_id: roomId }) => roomId as RoomId))
    rows = await database.select(selectRoomIds, ids.at(-1) ?? '', atOnce)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return found.sort()
}
