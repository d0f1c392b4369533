import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import type { Graph, Received } from '../graph.ts'
import { createLanes } from '../lanes.ts'
import { stateKeyOf } from '../room.ts'
import { fillBack } from './backfill.ts'
import { checkIncoming } from './check-incoming.ts'
import type { Source } from './fetch-missing.ts'
import { takeHanded } from './handshake.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'

/** Receives PDUs of other servers, one after the other in each room. */
export function createReceive(tools: ReceiveTools): Pick<Graph, 'receive' | 'fillBack' | 'takeHanded'> {
  const lanes = createLanes()
  return {
    receive: (origin, roomId, pdus) => lanes(roomId, () => receiveAll(tools, origin, roomId, pdus)),
    fillBack: (roomId, from, limit) => lanes(`back ${roomId}`, () => fillBack(tools, roomId, from, limit)),
    takeHanded: (origin, roomId, handed) => lanes(roomId, () => takeHanded(tools, origin, roomId, handed)),
  }
}

async function receiveAll(
  tools: ReceiveTools,
  origin: ServerName,
  roomId: RoomId,
  pdus: readonly JsonObject[],
): Promise<ReadonlyMap<EventId, Received>> {
  const results = new Map<EventId, Received>()
  const room = await tools.rooms.load(roomId)
  if (room === undefined || !room.servers.has(tools.serverName)) return results
  if (!isAllowedByAcl(room.state.get(stateKeyOf('m.room.server_acl', ''))?.pdu.content, origin)) return results
  const source: Source = { origin, roomId, rules: room.rules }
  for (const value of pdus) {
    const event = await checkIncoming(tools.keyRing, room.rules, roomId, value)
    if (typeof event === 'string') tools.log.info('an event of another server is dropped', { origin, room: roomId, reason: event })
    else results.set(event.eventId, await receiveOne(tools, source, event, 'news'))
  }
  return results
}
