import type { RoomId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { type Write, write } from '../storage/database.ts'
import { deletePublished, insertPublished, insertPublishedAs, selectAllPublished, selectPublished } from './published-rooms.store.ts'

type Tools = Pick<Home, 'database'>

/** Whether a room stands in the public directory. */
export async function isPublished({ database }: Tools, roomId: RoomId): Promise<boolean> {
  return (await database.selectOne(selectPublished, roomId)) !== undefined
}

/** All rooms of the public directory. */
export async function publishedRooms({ database }: Tools): Promise<RoomId[]> {
  return (await database.select(selectAllPublished)).map((row) => row.room_id as RoomId)
}

/** The write that puts a room into the public directory, or takes it out. */
export function publication(roomId: RoomId, isPublic: boolean): Write {
  return isPublic ? write(insertPublished, roomId) : write(deletePublished, roomId)
}

/** The writes that give a room's place in the directory, if it has one, to the room that replaces it. */
export function movePublication(roomId: RoomId, replacement: RoomId): Write[] {
  return [write(insertPublishedAs, replacement, roomId), write(deletePublished, roomId)]
}
