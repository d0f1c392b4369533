import type { EventId, RoomId, ServerName, UserId } from '../../core/ids.ts'
import { authEventIdsOf, type Pdu } from '../../core/pdu.ts'
import type { Membership, OutsideNote } from '../graph.ts'
import { depthOf, loadStored } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { parsePdu } from '../stored-event.ts'
import { selectOutside, selectOutsideOfRoom } from './outside.store.ts'
import { isResident, noteOutside, rowWrite } from './outside.ts'
import { parseStripped } from './stripped-state.ts'

/** Nobody is told of an older one: it has become nothing. */
const mostAgeMs = 7 * 24 * 3_600_000

/**
 * Keeps an invitation to a room that this server is in as far as it knows: what ended its stay there may still be on its way, and then nobody else tells
 * of the invitation. While the stay goes on the room itself does.
 */
export async function keepAside(tools: ReceiveTools, note: OutsideNote): Promise<boolean> {
  await tools.database.commit({ writes: [rowWrite(note)] })
  if (!(await isResident(tools, note.roomId))) await tellKeptAside(tools, note.roomId)
  return true
}

/** This server's stay in a room has ended: who was invited ahead of that is told. */
export async function tellKeptAside(tools: ReceiveTools, roomId: RoomId): Promise<void> {
  const { database, memberships } = tools
  for (const { user_id, event_id, json } of await database.select(selectOutsideOfRoom, roomId)) {
    const [userId, eventId, pdu] = [user_id as UserId, event_id as EventId, parsePdu(json)]
    const held = (await memberships.of(userId)).get(roomId)
    if (held?.eventId === eventId || !(await isNews(tools, pdu, held))) continue
    const row = await database.selectOne(selectOutside, userId, roomId)
    if (row?.event_id !== eventId) continue
    const servers = JSON.parse(row.servers) as ServerName[]
    await noteOutside(tools, {
      userId,
      roomId,
      version: row.room_version,
      event: { eventId, pdu },
      servers,
      state: parseStripped(row.state),
    })
  }
}

/** Whether an invitation came after what the room says of the user. */
async function isNews({ database, clock }: ReceiveTools, pdu: Pdu, held: Membership | undefined): Promise<boolean> {
  if (pdu.content['membership'] !== 'invite' || pdu.origin_server_ts < clock.now() - mostAgeMs) return false
  if (held === undefined) return true
  if (held.membership !== 'leave') return false
  if (authEventIdsOf(pdu).includes(held.eventId)) return true
  // Dendrite does not cite the membership of somebody who has left.
  const stored = (await loadStored(database.select, [held.eventId])).get(held.eventId)
  return stored !== undefined && depthOf(pdu) > depthOf(stored.pdu)
}
