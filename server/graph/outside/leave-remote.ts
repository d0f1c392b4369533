import { type RoomId, serverNameOf, type UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { forbidden, MatrixError } from '../../core/matrix-error.ts'
import { roomRules } from '../../core/room-versions.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { buildAlone, shakeHands } from './handshake.ts'
import { findStanding, noteOutside } from './outside.ts'

const mostServers = 2
const timeoutMs = 8_000

/**
 * Declines an invitation to a room that this server is not in, or takes back a knock: over the servers that know the room, the inviting one first. When
 * none of them takes it, the user is rid of it all the same. 403 M_FORBIDDEN for somebody who has no part in the room.
 * https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites
 */
export async function leaveRemote(tools: ReceiveTools, roomId: RoomId, userId: UserId, content: JsonObject): Promise<void> {
  const outside = await findStanding(tools, userId, roomId)
  const rules = outside && roomRules(outside.version)
  if (outside === undefined || rules === undefined) throw forbidden('you are not in a room with this id')
  const { membership, version, servers } = outside
  if (membership.membership === 'leave') return
  if (membership.membership === 'ban') throw forbidden('you are banned from this room')
  const inviter = membership.membership === 'invite' ? [serverNameOf(membership.sender)] : []
  const wanted = { roomId, userId, membership: 'leave', content, versions: [version], mostServers, timeoutMs } as const
  const shaken = await shakeHands(tools, { ...wanted, servers: [...inviter, ...servers] }).catch((error) => {
    if (!(error instanceof MatrixError)) throw error
    tools.log.info('no server took a leave of a room that this server is not in', { room: roomId, reason: error.message })
    return undefined
  })
  const event = shaken?.event ?? buildAlone(tools, rules, wanted)
  await noteOutside(tools, { userId, roomId, version, event, servers, state: [], instead: membership.eventId })
}
