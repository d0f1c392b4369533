import type { RoomId, UserId } from '../core/ids.ts'
import type { Tools } from '../slice.ts'
import { breather } from './breather.ts'

/** How many notifications a user has not read, in all rooms; an invite is one. */
export async function badgeOf({ graph, people }: Pick<Tools, 'graph' | 'people'>, userId: UserId): Promise<number> {
  const reader = await people.pushReader(userId)
  const breathe = breather(50)
  const read = await graph.readRooms(userId)
  let badge = 0
  for (const [roomId, { membership, sender }] of await graph.memberships(userId)) {
    await breathe()
    if (membership === 'join' && read.has(roomId)) continue
    if (membership === 'join') badge += await unreadIn(graph, roomId, reader)
    else if (membership === 'invite' && !reader.ignored.has(sender)) badge++
  }
  return badge
}

async function unreadIn(graph: Pick<Tools['graph'], 'unread'>, roomId: RoomId, reader: Parameters<Tools['graph']['unread']>[1]) {
  const { main, threads } = await graph.unread(roomId, reader)
  let { notifications } = main
  for (const count of threads.values()) notifications += count.notifications
  return notifications
}
