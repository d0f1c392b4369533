import { type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import type { RoomView } from '../graph.ts'

/**
 * Whether what a server says of a user in a room counts: "Receiving servers should verify that the user is in the room, and is a user belonging to the
 * sending server", which the room's ACL has to let in. While the members of a room are still on the way, a server that is in it is believed. https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
export function speaksFor(room: RoomView, origin: ServerName, userId: UserId): boolean {
  const membership = room.membership(userId)
  const isIn = membership === 'join' || (membership === undefined && room.isPartial && room.servers.has(origin))
  if (serverNameOf(userId) !== origin || !isIn) return false
  return isAllowedByAcl(room.state('m.room.server_acl', '')?.pdu.content, origin)
}
