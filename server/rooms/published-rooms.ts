import type { RoomId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { type Write, write } from '../storage/database.ts'
import {
  deleteOfInstance,
  deleteOfInstances,
  deletePublished,
  insertOfInstance,
  insertOfInstancesAs,
  insertPublished,
  insertPublishedAs,
  selectAllPublished,
  selectOfInstance,
  selectOfInstances,
  selectPublished,
} from './published-rooms.store.ts'

type Tools = Pick<Home, 'database'>

/** Whether a room stands in the public directory. */
export async function isPublished({ database }: Tools, roomId: RoomId): Promise<boolean> {
  return (await database.selectOne(selectPublished, roomId)) !== undefined
}

/** The directory of this server, that of one network (by its instance id), or all there are. */
export type Directory = { readonly of: 'server' | 'all' } | { readonly of: 'network'; readonly instanceId: string }

/** All rooms of a directory. */
export async function publishedRooms({ database }: Tools, directory: Directory): Promise<RoomId[]> {
  const networks = () =>
    directory.of === 'network' ? database.select(selectOfInstance, directory.instanceId) : database.select(selectOfInstances)
  const rows = [
    ...(directory.of === 'network' ? [] : await database.select(selectAllPublished)),
    ...(directory.of === 'server' ? [] : await networks()),
  ]
  return [...new Set(rows.map((row) => row.room_id as RoomId))]
}

/** The write that lists a room under a network, or takes it out. */
export function networkPublication(roomId: RoomId, instanceId: string, isPublic: boolean): Write {
  return isPublic ? write(insertOfInstance, roomId, instanceId) : write(deleteOfInstance, roomId, instanceId)
}

/** The write that puts a room into the public directory, or takes it out. */
export function publication(roomId: RoomId, isPublic: boolean): Write {
  return isPublic ? write(insertPublished, roomId) : write(deletePublished, roomId)
}

/** The writes that give a room's places in the directories, where it has any, to the room that replaces it. */
export function movePublication(roomId: RoomId, replacement: RoomId): Write[] {
  return [
    write(insertPublishedAs, replacement, roomId),
    write(deletePublished, roomId),
    write(insertOfInstancesAs, replacement, roomId),
    write(deleteOfInstances, roomId),
  ]
}
