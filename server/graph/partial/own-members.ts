import { isUserId, type ServerName, serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { authEventIdsOf } from '../../core/pdu.ts'
import { arrive, commitDecision, settle } from '../receive/accept.ts'
import { checkByAuthEvents, isUnder } from '../receive/auth-events.ts'
import { withBudget } from '../receive/budget.ts'
import { checkIncoming, mayBeChanged } from '../receive/check-incoming.ts'
import { keepNames } from '../receive/event-names.ts'
import type { Source } from '../receive/fetch-missing.ts'
import { loadStored } from '../receive/known-events.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { knowAuthEvents } from '../receive/state-before.ts'
import { notingMissing } from '../receive/unknown-events.ts'
import { type Room, stateKeyOf } from '../room.ts'

/**
 * Takes what is said of users of this server in a room that is not whole: who is put out would wait for ever for memberships that nobody gives to a server
 * that is out, and who is invited is to hear of it. It is judged by the events that it cites and by what is known of the room. Gives the PDUs that are left.
 */
export async function takeOfOwn(
  tools: ReceiveTools,
  room: Room,
  source: Source,
  pdus: readonly JsonObject[],
): Promise<readonly JsonObject[]> {
  const left: JsonObject[] = []
  for (const pdu of pdus) {
    const isTaken = isOfOwn(pdu, room, tools.serverName) && (await takeNow(tools, source, pdu))
    if (!isTaken) left.push(pdu)
  }
  return left
}

function isOfOwn({ type, state_key: userId, content }: JsonObject, { members }: Room, serverName: ServerName): boolean {
  if (type !== 'm.room.member' || !isUserId(userId) || serverNameOf(userId) !== serverName || !isJsonObject(content)) return false
  const { membership } = content
  const before = members.get(userId)?.membership
  if (membership === 'invite') return before !== 'join' && before !== 'invite'
  return (membership === 'leave' || membership === 'ban') && (before === 'join' || before === 'invite')
}

/** Whether an event is done with: taken, or known. One that is refused may be allowed once the room is whole, so nothing is kept of it here. */
export async function takeNow(tools: ReceiveTools, from: Source, pdu: JsonObject): Promise<boolean> {
  const source = withBudget(from)
  const { roomId, rules } = source
  const checked = await checkIncoming(tools.keyRing, rules, roomId, pdu)
  if (typeof checked === 'string' || mayBeChanged(source.origin, checked)) return false
  const [event] = await keepNames(tools, rules, [checked])
  const room = await tools.rooms.load(roomId)
  if (event === undefined || room === undefined) return false
  if (!isUnder(room.state.get(stateKeyOf('m.room.create', ''))?.eventId, rules, event)) return false
  if ((await loadStored(tools.database.select, [event.eventId])).get(event.eventId)?.outlier === false) return true
  const cited = await knowAuthEvents(tools, source, event)
  if (!checkByAuthEvents(event, rules, (eventId) => cited.get(eventId))?.allowed) return false
  const vouched = authEventIdsOf(event.pdu).flatMap((eventId) => {
    const by = cited.get(eventId)
    return by === undefined || by.rejected || by.pdu.type !== 'm.room.member' ? [] : [{ eventId, pdu: by.pdu }]
  })
  const before = { stateGroup: room.stateGroup, writes: await notingMissing(tools.database.select, roomId, event.pdu) }
  const arriving = { ...(await arrive(tools, source, event, before)), how: { passOn: false, isCited: false, vouched } }
  return settle(tools, source, arriving, {
    refused: () => false,
    gone: () => false,
    commit: async (now, head, decision, decided) => (await commitDecision(tools, now, head, decision, decided)) && true,
  })
}
