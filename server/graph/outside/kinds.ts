import type { EventId, RoomId, UserId } from '../../core/ids.ts'
import type { RoomKind } from '../graph.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { findOutside } from './outside.ts'

const mostKnown = 20_000

/** What kind of rooms those are that a user is invited to, or knocks on, and that this server is not in: as far as was told. */
export function createKinds(tools: ReceiveTools): (userId: UserId) => Promise<ReadonlyMap<RoomId, RoomKind>> {
  const known = new Map<EventId, RoomKind>()
  return async (userId) => {
    const kinds = new Map<RoomId, RoomKind>()
    for (const [roomId, { membership, eventId }] of await tools.memberships.of(userId)) {
      if (membership !== 'invite' && membership !== 'knock') continue
      const kind = known.get(eventId) ?? (await kindOf(tools, userId, roomId))
      if (kind === undefined) continue
      known.set(eventId, kind)
      kinds.set(roomId, kind)
    }
    if (known.size > mostKnown) known.clear()
    return kinds
  }
}

async function kindOf(tools: ReceiveTools, userId: UserId, roomId: RoomId): Promise<RoomKind | undefined> {
  const outside = await findOutside(tools, userId, roomId)
  if (outside === undefined) return undefined
  const find = (type: string) => outside.state.find((event) => event.type === type && event.state_key === '')
  const type = find('m.room.create')?.content['type']
  return { type: typeof type === 'string' ? type : undefined, encrypted: find('m.room.encryption') !== undefined }
}
