import type { EventId, RoomId, ServerName } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { isAllowedByAcl } from '../../core/servers/server-acl.ts'
import type { Graph, Received } from '../graph.ts'
import { createLanes } from '../lanes.ts'
import { stateKeyOf } from '../room.ts'
import { fillBack } from './backfill.ts'
import { checkIncoming, type Incoming } from './check-incoming.ts'
import type { Source } from './fetch-missing.ts'
import { takeHanded } from './handshake.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'
import { selectSpecial } from './stored.store.ts'
import { takeNext } from './take-next.ts'

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
  const events: Incoming[] = []
  for (const checked of await Promise.all(pdus.map((value) => checkIncoming(tools.keyRing, room.rules, roomId, value)))) {
    if (typeof checked !== 'string') events.push(checked)
    else tools.log.info('an event of another server is dropped', { origin, room: roomId, reason: checked })
  }
  const ids = events.map(({ eventId }) => eventId)
  const special = new Set((await tools.database.select(selectSpecial, ids, roomId, ids, roomId, ids)).map((row) => row.event_id))
  const onTheWay: OnTheWay[] = []
  for (const event of events) {
    const taken = special.has(event.eventId) || results.has(event.eventId) ? undefined : await takeNext(tools, room, event)
    results.set(event.eventId, 'accepted')
    if (taken !== undefined) {
      onTheWay.push({ event, ...taken })
      continue
    }
    await arriveAll(tools, source, onTheWay, results)
    results.set(event.eventId, await receiveOne(tools, source, event, 'news'))
  }
  await arriveAll(tools, source, onTheWay, results)
  return results
}

type OnTheWay = { readonly event: Incoming; readonly committed: Promise<boolean> }

/** Waits for events to be durable; one that the room moved on before is received like any other. */
async function arriveAll(tools: ReceiveTools, source: Source, onTheWay: OnTheWay[], results: Map<EventId, Received>): Promise<void> {
  for (const { event, committed } of onTheWay.splice(0)) {
    if (!(await committed)) results.set(event.eventId, await receiveOne(tools, source, event, 'news'))
  }
}
