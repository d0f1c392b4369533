import { readCount, roomIdOf } from '../core/fields.ts'
import type { RoomId, UserId } from '../core/ids.ts'
import { forbidden } from '../core/matrix-error.ts'
import { decodeToken, encodeToken } from '../core/stream-token.ts'
import { clientEventText } from '../graph/client-event.ts'
import type { Membership, Seen } from '../graph/graph.ts'
import type { Call, Reply } from '../http/endpoint.ts'
import { welcomeInviters } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'

const longestWait = 180_000
const mostOfRoom = 50
const mostEvents = 1000

/**
 * What happened in the user's rooms since a token, waited for when nothing did; with `room_id` in one room, which may be one that everybody may
 * read. Of a room in which more happened than an answer holds, the newest. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events
 */
export async function streamEvents(tools: Tools, { query, requester, signal }: Call<'access_token'>): Promise<Reply> {
  const { notifier, clock } = tools.home
  const peeked = query.get('room_id')
  const room = peeked === null ? undefined : roomIdOf(peeked)
  const from = query.get('from')
  const after = from === null || from === '' ? notifier.position() : decodeToken(from).position
  const wait = readCount(query, 'timeout', 0, longestWait)
  const until = performance.now() + wait
  if (room !== undefined) await checkReadable(tools, room, requester.userId)
  if (after > notifier.position()) await notifier.reached(after, wait)
  const subscription = notifier.subscribe(room === undefined ? [requester.userId] : [room])
  try {
    for (;;) {
      if (room === undefined) for (const roomId of (await tools.graph.joinedRooms(requester.userId)).rooms) subscription.add(roomId)
      const upTo = Math.max(notifier.position(), after)
      const seen =
        room === undefined
          ? await ofRooms(tools, requester.userId, after, upTo)
          : await peek(tools, room, requester.userId, [after, upTo], mostOfRoom)
      const left = until - performance.now()
      if (seen.length > 0 || left <= 0 || signal.aborted) {
        const reader = { session: requester.session, userId: requester.userId, now: clock.now() }
        const chunk = seen.map((one) => clientEventText(one, reader)).join(',')
        return { body: `{"start":"${encodeToken(after)}","end":"${encodeToken(upTo)}","chunk":[${chunk}]}` }
      }
      await subscription.wait(upTo, left, signal)
    }
  } finally {
    subscription.close()
  }
}

async function checkReadable({ graph }: Tools, roomId: RoomId, userId: UserId): Promise<void> {
  const room = await graph.freshRoom(roomId)
  const isOpen = room?.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable'
  if (room === undefined || (!isOpen && room.membership(userId) !== 'join')) throw forbidden('you may not read this room')
}

async function peek(tools: Tools, roomId: RoomId, userId: UserId, [after, upTo]: [number, number], most: number): Promise<Seen[]> {
  const { events } = await tools.graph.arrived(roomId, after, upTo, most)
  return tools.graph.visible(events, userId)
}

/** What happened in the rooms that the user is in, or was until they left since; and invitations. */
async function ofRooms(tools: Tools, userId: UserId, after: number, upTo: number): Promise<Seen[]> {
  const { graph } = tools
  const { rooms, newest } = await graph.joinedRooms(userId)
  const found: Seen[] = []
  const changed = await graph.changedRooms(rooms, after)
  const most = Math.max(1, Math.min(mostOfRoom, Math.floor(mostEvents / Math.max(1, changed.length))))
  for (const roomId of changed) found.push(...(await peek(tools, roomId, userId, [after, upTo], most)))
  if (newest > after) {
    for (const [roomId, membership] of await graph.memberships(userId)) {
      if (rooms.has(roomId) || membership.position <= after || membership.position > upTo) continue
      found.push(...(await ofOtherRoom(tools, roomId, membership, userId, after)))
    }
  }
  return found.sort((a, b) => (a.event.position ?? 0) - (b.event.position ?? 0))
}

async function ofOtherRoom(tools: Tools, roomId: RoomId, membership: Membership, userId: UserId, after: number): Promise<Seen[]> {
  const { graph, home } = tools
  if (membership.membership !== 'invite') return peek(tools, roomId, userId, [after, membership.position], mostOfRoom)
  const isWelcome = await welcomeInviters(home.database, userId)
  if (!isWelcome(membership.sender)) return []
  const event = (await graph.outside.find(userId, roomId))?.event ?? (await graph.event(membership.eventId))
  return event === undefined ? [] : [{ event, membership: membership.membership }]
}
