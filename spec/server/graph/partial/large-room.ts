import type { RoomId, UserId } from '../../../../server/core/ids.ts'
import type { TestServer, TestUser } from '../../../support/server.ts'

/** How many there are in a large room beside who made it. */
export const memberCount = 450

export function memberAt({ config }: TestServer, n: number): UserId {
  return `@member${n}:${config.server_name}`
}

export function joinOf(userId: UserId) {
  return { type: 'm.room.member', stateKey: userId, sender: userId, content: { membership: 'join' } }
}

/** A public room with many members. */
export async function largeRoom(there: TestServer, alice: TestUser): Promise<RoomId> {
  const { body } = await alice.post('/createRoom', { preset: 'public_chat', name: 'large' })
  const roomId = body.room_id as RoomId
  const joins = Array.from({ length: memberCount }, (_, n) => joinOf(memberAt(there, n)))
  await there.server.graph.append(roomId, joins)
  return roomId
}
