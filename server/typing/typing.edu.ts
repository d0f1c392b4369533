import { isRoomId, isUserId, type RoomId, serverNameOf, type UserId } from '../core/ids.ts'
import { speaksFor } from '../graph/for-servers/speaks-for.ts'
import { inSharedRooms, othersIn } from '../graph/for-servers/told-in-rooms.ts'
import type { Broadcast, EduReceiver, Tools } from '../slice.ts'
import { selectTypingAt } from './typing.store.ts'
import type { Typing } from './typing.ts'

/** Of those who type elsewhere nothing is heard when they go on; servers tell it again every so often, and end it in time. */
const typingTime = 60_000

/** Who types on other servers. https://spec.matrix.org/v1.19/server-server-api/#typing-notifications */
export function typingReceiver({ graph }: Pick<Tools, 'graph'>, typing: Pick<Typing, 'set'>): EduReceiver {
  return {
    type: 'm.typing',
    receive: async ({ room_id: roomId, user_id: userId, typing: isTyping }, origin) => {
      if (!isRoomId(roomId) || !isUserId(userId) || typeof isTyping !== 'boolean' || serverNameOf(userId) !== origin) return
      const room = await graph.room(roomId)
      if (room !== undefined && speaksFor(room, origin, userId)) typing.set(roomId, userId, isTyping ? typingTime : 0)
    },
  }
}

/** Who types here, for the other servers of the room. Only the last that is said of somebody counts. */
export function typingBroadcast({ home, graph }: Pick<Tools, 'home' | 'graph'>): Broadcast {
  return {
    kinds: ['typing'],
    between: async (rows) => {
      const { rooms, positions } = await inSharedRooms(graph, rows)
      if (rooms.length === 0) return []
      const found = await home.database.select(selectTypingAt, rooms, positions)
      const told = []
      for (const row of found) {
        const [roomId, userId] = [row.room_id as RoomId, row.user_id as UserId]
        if (serverNameOf(userId) !== home.serverName) continue
        const servers = await othersIn({ graph, home }, roomId)
        const content = { room_id: roomId, user_id: userId, typing: row.expires_at > 0 }
        if (servers.length > 0) told.push({ edu: { edu_type: 'm.typing', content }, servers, key: `typing ${roomId} ${userId}` })
      }
      return told
    },
  }
}
