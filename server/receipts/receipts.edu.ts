import type { Receipt } from '../core/edu.ts'
import { type EventId, isEventId, isRoomId, isUserId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { MatrixError } from '../core/matrix-error.ts'
import { speaksFor } from '../graph/for-servers/speaks-for.ts'
import { inSharedRooms, othersIn } from '../graph/for-servers/told-in-rooms.ts'
import type { Broadcast, EduReceiver, Tools } from '../slice.ts'
import { markRead } from './mark-read.ts'
import { selectReceiptsAt } from './receipts.store.ts'

/** Of one EDU; what it holds beyond is left out. */
const mostReceipts = 1000
const mostRooms = 200

/** What users of other servers have read. https://spec.matrix.org/v1.19/server-server-api/#receipts */
export function receiptReceiver(tools: Pick<Tools, 'home' | 'graph'>): EduReceiver {
  return {
    type: 'm.receipt',
    receive: async (content, origin) => {
      let left = mostReceipts
      for (const [roomId, types] of Object.entries(content).slice(0, mostRooms)) {
        if (!isRoomId(roomId) || !isJsonObject(types) || !isJsonObject(types['m.read'])) continue
        const read = Object.entries(types['m.read']).slice(0, left)
        left -= read.length
        await receive(tools, origin, roomId, read)
        if (left <= 0) return
      }
    },
  }
}

async function receive(
  tools: Pick<Tools, 'home' | 'graph'>,
  origin: ServerName,
  roomId: RoomId,
  read: [string, Json | undefined][],
): Promise<void> {
  const room = await tools.graph.room(roomId)
  if (room === undefined) return
  for (const [userId, value] of read) {
    const receipt = isJsonObject(value) ? readReceipt(value, tools.home.clock.now()) : undefined
    if (receipt === undefined || !isUserId(userId) || !speaksFor(room, origin, userId)) continue
    await markRead(tools, userId, roomId, [{ type: 'm.read', ...receipt }]).catch((error: unknown) => {
      // One for an event of another room, or thread.
      if (!(error instanceof MatrixError)) throw error
    })
  }
}

function readReceipt(
  { event_ids: eventIds, data }: JsonObject,
  now: number,
): { eventId: EventId; threadId: string | undefined; at: number } | undefined {
  const eventId = Array.isArray(eventIds) ? eventIds.at(-1) : undefined
  const { ts, thread_id: threadId } = isJsonObject(data) ? data : {}
  if (!isEventId(eventId) || (threadId !== undefined && threadId !== 'main' && !isEventId(threadId))) return undefined
  return { eventId, threadId, at: Number.isSafeInteger(ts) ? Math.min(Math.max(Number(ts), 0), now) : now }
}

/** What users of this server have read, for the other servers of the room; what they keep to themselves is not looked at. */
export function receiptBroadcast({ home, graph }: Pick<Tools, 'home' | 'graph'>): Broadcast {
  return {
    kinds: ['receipt'],
    between: async (rows) => {
      const { rooms, positions } = await inSharedRooms(graph, rows)
      if (rooms.length === 0) return []
      const found = await home.database.select(selectReceiptsAt, rooms, positions)
      const told = []
      for (const { room_id, user_id, thread_id, event_id, at } of found) {
        if (serverNameOf(user_id as UserId) !== home.serverName) continue
        const servers = await othersIn({ graph, home }, room_id as RoomId)
        if (servers.length === 0) continue
        const receipt: Receipt = { event_ids: [event_id as EventId], data: { ts: at, ...(thread_id === '' ? {} : { thread_id }) } }
        const content = { [room_id]: { 'm.read': { [user_id]: receipt } } }
        told.push({ edu: { edu_type: 'm.receipt', content }, servers, key: `receipt ${room_id} ${user_id} ${thread_id}` })
      }
      return told
    },
  }
}
