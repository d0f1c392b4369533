import type { RoomId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import { countHighlights, selectLastOfSender, selectNotifyingAt } from './events.store.ts'
import type { Graph } from './graph.ts'
import { selectReadPosition, upsertReadPosition } from './memberships.store.ts'
import type { ReadMark } from './room.ts'
import type { Rooms } from './rooms.ts'

/** Unread counts: the room's counter of notifying events minus what the reader had read, so that a message writes nothing per member. */
export function createUnread(tools: Pick<Home, 'database'> & { readonly rooms: Rooms }): Pick<Graph, 'unread' | 'readMarker'> & {
  readonly forgetMark: (key: string) => void
} {
  const { selectOne } = tools.database

  async function readMark(userId: UserId, roomId: RoomId): Promise<ReadMark> {
    const position = (await selectOne(selectReadPosition, userId, roomId))?.position ?? 0
    const read = position === 0 ? 0 : ((await selectOne(selectNotifyingAt, roomId, position))?.notifying ?? 0)
    const own = await selectOne(selectLastOfSender, userId, roomId)
    return {
      notifying: Math.max(read, own?.notifying ?? 0),
      position: Math.max(position, own?.position ?? 0),
      highlights: 0,
      countedUpTo: 0,
    }
  }

  function forgetMark(key: string): void {
    const [userId, roomId] = key.split(' ') as [UserId, RoomId]
    tools.rooms.peek(roomId)?.readMarks.delete(userId)
  }

  return {
    forgetMark,
    unread: async (roomId, userId) => {
      const room = await tools.rooms.load(roomId)
      if (room === undefined) return { notifications: 0, highlights: 0 }
      if (!room.readMarks.has(userId)) {
        const loaded = await readMark(userId, roomId)
        // What was read or said meanwhile is newer than what was loaded.
        if (!room.readMarks.has(userId)) room.readMarks.set(userId, loaded)
      }
      const mark = room.readMarks.get(userId) as ReadMark
      const notifications = Math.max(0, room.notifying - mark.notifying)
      if (notifications === 0 || room.mentionedAt <= mark.countedUpTo)
        return { notifications, highlights: notifications === 0 ? 0 : mark.highlights }
      const countedUpTo = room.position
      const highlights = (await selectOne(countHighlights, userId, roomId, mark.position))?.count ?? 0
      if (room.readMarks.get(userId) === mark) room.readMarks.set(userId, { ...mark, highlights, countedUpTo })
      return { notifications, highlights }
    },
    readMarker: (userId, roomId, position) => {
      const key = `${userId} ${roomId}`
      return {
        writes: [write(upsertReadPosition, userId, roomId, position)],
        log: [{ kind: 'read_position', key }],
        applied: () => forgetMark(key),
      }
    },
  }
}
