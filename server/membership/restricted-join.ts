import { allowedRooms } from '../core/allowed-rooms.ts'
import { actionLevel, powerScope, userPower } from '../core/event-auth/power-levels.ts'
import { serverNameOf, type UserId } from '../core/ids.ts'
import { forbidden, unableToAuthoriseJoin, unableToGrantJoin } from '../core/matrix-error.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import type { Home } from '../home.ts'

type Tools = { readonly home: Pick<Home, 'serverName'>; readonly graph: Graph }

/**
 * Who of this server vouches for a restricted join, when the joiner is in one of the allowed rooms. Undefined when nobody need. 403 M_FORBIDDEN when no
 * condition is met, 400 M_UNABLE_TO_AUTHORISE_JOIN when this server is in none of those rooms and cannot tell, 400 M_UNABLE_TO_GRANT_JOIN when nobody
 * of it may invite. https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms
 */
export async function authoriserOf({ home, graph }: Tools, room: RoomView, userId: UserId): Promise<UserId | undefined> {
  const rule = room.state('m.room.join_rules', '')?.pdu.content
  const restricted = room.rules.restrictedJoin && (rule?.['join_rule'] === 'restricted' || rule?.['join_rule'] === 'knock_restricted')
  const membership = room.membership(userId)
  if (!restricted || membership === 'invite' || membership === 'join') return undefined
  const known = await Promise.all(allowedRooms(rule).map((roomId) => graph.room(roomId)))
  const followed = known.filter((one) => one?.servers.has(home.serverName))
  if (!followed.some((one) => one?.membership(userId) === 'join')) {
    if (followed.length === 0 && known.length > 0) throw unableToAuthoriseJoin()
    throw forbidden('you are in none of the rooms whose members may join this one')
  }
  const scope = powerScope((type, stateKey) => room.state(type, stateKey)?.pdu, room.rules)
  const needed = actionLevel(scope, 'invite')
  for (const member of room.joined) {
    if (serverNameOf(member) === home.serverName && userPower(scope, member) >= needed) return member
  }
  throw unableToGrantJoin()
}
