import { checkAuthRules } from '../../core/event-auth/check-auth-rules.ts'
import { type RoomId, type ServerName, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { forbidden, notFound } from '../../core/matrix-error.ts'
import type { Pdu, ReadState, UnsignedPdu } from '../../core/pdu.ts'
import { signPdu } from '../../core/signatures.ts'
import { headOf, usersOf } from '../append.ts'
import { buildEvent, findOn } from '../draft.ts'
import type { Handed, StateEvent, Template } from '../graph.ts'
import { need } from '../rooms.ts'
import { checkIncoming } from './check-incoming.ts'
import { keepNames } from './event-names.ts'
import { loadStored } from './known-events.ts'
import { receiveOne } from './receive.ts'
import type { ReceiveTools } from './receive-tools.ts'

/**
 * An event as it would be appended now, for another server to hash and sign. 404 M_NOT_FOUND when this server is not in the room, 403 M_FORBIDDEN with
 * the rule's words when it would be refused; `signedBy` says whose signatures it will bear.
 */
export async function propose(
  tools: ReceiveTools,
  roomId: RoomId,
  template: Template,
  signedBy: readonly ServerName[],
): Promise<{ readonly version: string; readonly event: UnsignedPdu }> {
  for (;;) {
    const room = await tools.rooms.load(roomId)
    if (room === undefined || !room.servers.has(tools.serverName)) throw notFound('this server is not in the room')
    await need(tools.database.select, room, tools.memberships, usersOf([template]))
    if (tools.rooms.peek(roomId) !== room) continue
    if (room.partial !== undefined) throw notFound('this server does not know all members of the room yet')
    const head = headOf(room)
    const find = findOn(room, head)
    const event = buildEvent(tools, room, head, template, find)
    const readState: ReadState = (type, stateKey) => find(type, stateKey)?.pdu
    const verdict = checkAuthRules(event as Pdu, room.rules, readState, (server) => signedBy.includes(server))
    if (!verdict.allowed) throw forbidden(verdict.reason)
    return { version: room.rules.version, event }
  }
}

/** An event that another server made of a proposal, signed by this server too if `sign` says so. 404 M_NOT_FOUND when this server is not in the room. */
export async function signHanded(tools: ReceiveTools, roomId: RoomId, { event, sign }: Handed): Promise<JsonObject> {
  const room = await tools.rooms.load(roomId)
  if (room === undefined || !room.servers.has(tools.serverName)) throw notFound('this server is not in the room')
  return sign ? (signPdu(event as unknown as Pdu, room.rules, tools.serverName, tools.signingKey) as unknown as JsonObject) : event
}

/**
 * Takes an event that another server made of a proposal: checked as any that is received. Gives it as it stands in the room. 403 M_FORBIDDEN in words when
 * it does not become part of the room.
 */
export async function takeHanded(tools: ReceiveTools, origin: ServerName, roomId: RoomId, signed: JsonObject): Promise<StateEvent> {
  const room = await tools.rooms.load(roomId)
  if (room === undefined || !room.servers.has(tools.serverName)) throw notFound('this server is not in the room')
  if (room.partial !== undefined) throw notFound('this server does not know all members of the room yet')
  const event = await checkIncoming(tools.keyRing, room.rules, roomId, signed)
  if (typeof event === 'string') throw forbidden(event)
  if ((await keepNames(tools, room.rules, [event])).length === 0) throw forbidden('another event has this id')
  // What one of our own users said goes out as all that they say.
  const kind = serverNameOf(event.pdu.sender) === tools.serverName ? 'news' : 'handed'
  const received = await receiveOne(tools, { origin, roomId, rules: room.rules }, event, kind)
  if (received === 'soft-failed') throw forbidden('the room does not allow it now')
  if (typeof received === 'object') throw forbidden('rejected' in received ? received.rejected : received.dropped)
  const stored = (await loadStored(tools.database.select, [event.eventId])).get(event.eventId)
  if (stored === undefined || stored.rejected || stored.softFailed) throw forbidden('the room does not allow it')
  return { eventId: event.eventId, pdu: stored.pdu }
}
