import { type EventId, isUserId, type RoomId, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { authEventIdsOf, type Pdu } from '../../core/pdu.ts'
import { roomRules } from '../../core/room-versions.ts'
import type { Graph, OutsideMembership, Received } from '../graph.ts'
import { checkIncoming } from '../receive/check-incoming.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { findStanding, isResident, noteOutside } from './outside.ts'

const mostLooked = 50

/** As `receive`; of a room that this server is not in nothing is received but the end of what one of its users is there. */
export function receivingOutside(tools: ReceiveTools, receive: Graph['receive']): Graph['receive'] {
  return async (origin, roomId, pdus) => {
    if (await isResident(tools, roomId)) return receive(origin, roomId, pdus)
    const results = new Map<EventId, Received>()
    for (const pdu of pdus.slice(0, mostLooked)) {
      const eventId = await receiveEnd(tools, roomId, pdu)
      if (eventId !== undefined) results.set(eventId, 'accepted')
    }
    return results
  }
}

/**
 * An invitation that is taken back, or a knock that is turned down. The room's state is not known here, so only those are believed who could
 * have said so anyway: who invited, and the servers over which the knock went.
 */
async function receiveEnd(tools: ReceiveTools, roomId: RoomId, pdu: JsonObject): Promise<EventId | undefined> {
  const { type, state_key: userId, content } = pdu
  if (type !== 'm.room.member' || !isUserId(userId) || serverNameOf(userId) !== tools.serverName || !isJsonObject(content)) return undefined
  if (content['membership'] !== 'leave' && content['membership'] !== 'ban') return undefined
  const outside = await findStanding(tools, userId, roomId)
  const rules = outside && roomRules(outside.version)
  if (outside === undefined || rules === undefined) return undefined
  const event = await checkIncoming(tools.keyRing, rules, roomId, pdu)
  if (typeof event === 'string' || !mayEnd(outside, event.pdu)) return undefined
  const { version, servers } = outside
  const isKept = await noteOutside(tools, { userId, roomId, version, event, servers, state: [], instead: outside.membership.eventId })
  return isKept ? event.eventId : undefined
}

function mayEnd({ membership, event, servers }: OutsideMembership, pdu: Pdu): boolean {
  if (membership.membership !== 'invite' && membership.membership !== 'knock') return false
  // An end of an earlier invitation says nothing of this one.
  if (!authEventIdsOf(pdu).includes(event.eventId)) return false
  return membership.membership === 'invite' ? pdu.sender === membership.sender : servers.includes(serverNameOf(pdu.sender))
}
