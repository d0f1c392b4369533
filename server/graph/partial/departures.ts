import { type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { prevEventIdsOf } from '../../core/pdu.ts'
import { write } from '../../storage/database.ts'
import { acceptEvent } from '../receive/accept.ts'
import { checkByAuthEvents } from '../receive/auth-events.ts'
import { withBudget } from '../receive/budget.ts'
import { checkIncoming, type Incoming } from '../receive/check-incoming.ts'
import type { Source } from '../receive/fetch-missing.ts'
import { depthOf, loadStored } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { knowAuthEvents } from '../receive/state-before.ts'
import { insertMissing } from '../receive/stored.store.ts'
import type { Room } from '../room.ts'
import { addPage } from './complete-room.ts'

/**
 * Takes what puts users of this server out of a room that is not whole: whoever waited for the memberships would wait for ever, since nobody gives them to
 * a server that is out. It is judged by the events that it cites and by what is known of the room. Gives the PDUs that are left.
 */
export async function takeDepartures(
  tools: ReceiveTools,
  room: Room,
  source: Source,
  pdus: readonly JsonObject[],
): Promise<readonly JsonObject[]> {
  const left: JsonObject[] = []
  for (const pdu of pdus) {
    const isTaken = isDeparture(pdu, room, tools.serverName) && (await take(tools, withBudget(source), pdu))
    if (!isTaken) left.push(pdu)
  }
  return left
}

function isDeparture({ type, state_key: userId, content }: JsonObject, { members }: Room, serverName: ServerName): boolean {
  if (type !== 'm.room.member' || typeof userId !== 'string' || !isJsonObject(content)) return false
  const isOut = content['membership'] === 'leave' || content['membership'] === 'ban'
  const before = members.get(userId as UserId)?.membership
  return isOut && (before === 'join' || before === 'invite') && serverNameOf(userId as UserId) === serverName
}

async function take(tools: ReceiveTools, source: Source, pdu: JsonObject): Promise<boolean> {
  const { roomId, rules } = source
  const event = await checkIncoming(tools.keyRing, rules, roomId, pdu)
  if (typeof event === 'string') return false
  const cited = await knowAuthEvents(tools, source, event)
  if (!checkByAuthEvents(event, rules, (eventId) => cited.get(eventId))?.allowed) return false
  for (const [eventId, { pdu: by, rejected }] of cited) {
    const isSender = by.type === 'm.room.member' && by.state_key === event.pdu.sender && !rejected
    if (isSender) await addPage(tools, roomId, [{ eventId, pdu: by }], false)
  }
  const room = await tools.rooms.load(roomId)
  if (room === undefined) return false
  const before = { stateGroup: room.stateGroup, writes: await missingBefore(tools, source, event) }
  return (await acceptEvent(tools, source, event, before, { passOn: false, isCited: false })) === 'accepted'
}

async function missingBefore({ database }: ReceiveTools, { roomId }: Source, { pdu }: Incoming) {
  const prevs = prevEventIdsOf(pdu)
  const known = await loadStored(database.select, prevs)
  const missing = prevs.filter((eventId) => known.get(eventId)?.outlier !== false)
  return missing.map((eventId) => write(insertMissing, roomId, eventId, depthOf(pdu)))
}
