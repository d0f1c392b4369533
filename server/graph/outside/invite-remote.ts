import { type EventId, type RoomId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { forbidden, MatrixError, tooLarge, unreachable, unsupportedRoomVersion } from '../../core/matrix-error.ts'
import { checkPduShape, named, type Pdu, type UnsignedPdu } from '../../core/pdu.ts'
import { type RoomRules, roomRules } from '../../core/room-versions.ts'
import { hashAndSignPdu } from '../../core/signatures.ts'
import { answerOf } from '../../remote/answer-of.ts'
import { committedHead } from '../draft.ts'
import type { Graph, StateEvent, Template } from '../graph.ts'
import { untilWhole } from '../partial/until-whole.ts'
import { policyOn, toBeAsked } from '../policy/policy.ts'
import { propose } from '../receive/handshake.ts'
import type { ReceiveTools } from '../receive/receive-tools.ts'
import { stateKeyOf } from '../room.ts'
import { need } from '../rooms.ts'
import { findSignature } from './find-signature.ts'
import { stateToSend } from './stripped-state.ts'

type Invitation = {
  readonly roomId: RoomId
  readonly rules: RoomRules
  readonly pdu: Pdu
  readonly eventId: EventId
  readonly state: readonly Pdu[]
}

const timeoutMs = 30_000
const longestAnswer = 256 * 1024

/**
 * Invites a user of another server: that server signs the event too, then it is appended. 403 in the rule's or the other server's words when one of
 * them refuses, 502 M_UNKNOWN when the other server cannot be reached or does not sign.
 * https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export async function inviteRemote(
  tools: ReceiveTools,
  takeHanded: Graph['takeHanded'],
  roomId: RoomId,
  template: Template,
): Promise<StateEvent> {
  await untilWhole(tools, roomId)
  const { version, event: proposed } = await propose(tools, roomId, template, [tools.serverName])
  const rules = roomRules(version)
  if (rules === undefined) throw unsupportedRoomVersion()
  const { pdu, eventId } = await sign(tools, roomId, named(proposed, tools, rules), rules)
  const shape = checkPduShape(pdu, rules)
  if (!shape.allowed) throw tooLarge(shape.reason)
  const server = serverNameOf(pdu.state_key as UserId)
  const state = await stateFor(tools, roomId, pdu.sender)
  if (state[0]?.type === 'm.room.create' && state[0].content['m.federate'] === false)
    throw forbidden('the room is for users of this server alone')
  const answer = await askToSign(tools, server, { roomId, rules, pdu, eventId, state })
  const given = isJsonObject(answer['event']) ? answer['event']['signatures'] : undefined
  const theirs = isJsonObject(given) ? await findSignature(tools.keyRing, pdu, rules, server, given) : undefined
  if (theirs === undefined) throw unreachable(`${server} did not sign the invitation`)
  // Nothing of the answer counts but the signature: the event is the one that was made here.
  const event = { ...pdu, signatures: { ...pdu.signatures, [server]: theirs } } as unknown as JsonObject
  return takeHanded(tools.serverName, roomId, { event })
}

/** Hashes and signs an invitation; where the room uses a policy server that signs it too, or what it refused with is thrown. */
async function sign(tools: ReceiveTools, roomId: RoomId, event: UnsignedPdu, rules: RoomRules): Promise<StateEvent> {
  const { pdu, eventId } = hashAndSignPdu(event, rules, tools.serverName, tools.signingKey)
  const room = await tools.rooms.load(roomId)
  const by = room && toBeAsked(pdu, rules, policyOn(room, committedHead(room), tools.serverName))
  if (by === undefined) return { pdu, eventId }
  const signed = await tools.askPolicy({ eventId, pdu, rules, by }, AbortSignal.timeout(timeoutMs))
  if (signed instanceof MatrixError) throw signed
  return { pdu: signed, eventId }
}

async function stateFor(tools: ReceiveTools, roomId: RoomId, inviter: UserId): Promise<Pdu[]> {
  const room = await tools.rooms.load(roomId)
  if (room === undefined) return []
  await need(tools.database.select, room, tools.memberships, [inviter])
  const state = (type: string, stateKey: string) => room.state.get(stateKeyOf(type, stateKey))
  return stateToSend(state, state('m.room.member', inviter))
}

async function askToSign({ peers }: ReceiveTools, destination: ServerName, invitation: Invitation): Promise<JsonObject> {
  const { roomId, rules, eventId } = invitation
  const event = invitation.pdu as unknown as JsonObject
  const path = `${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`
  const put = { destination, method: 'PUT', timeoutMs, limit: longestAnswer } as const
  const content = { room_version: rules.version, event, invite_room_state: invitation.state as unknown as JsonObject[] }
  let answer = await peers.fetchJson({ ...put, uri: `/_matrix/federation/v2/invite/${path}`, content })
  if (answer.ok && (answer.status === 404 || answer.status === 400) && isUnknownEndpoint(answer.body)) {
    // The older endpoint is for rooms of versions 1 and 2.
    if (rules.eventIds !== 'wire') throw unsupportedRoomVersion(`${destination} is too old for a room of this version`)
    const unsigned = { invite_room_state: invitation.state as unknown as JsonObject[] }
    answer = await peers.fetchJson({ ...put, uri: `/_matrix/federation/v1/invite/${path}`, content: { ...event, unsigned } })
  }
  try {
    return answerOf(destination, answer)
  } catch (error) {
    throw error instanceof MatrixError ? passedOn(destination, error) : error
  }
}

function isUnknownEndpoint({ errcode }: JsonObject): boolean {
  return errcode === 'M_UNRECOGNIZED' || errcode === undefined
}

/** "If M_MISSING_PARAM or M_INVALID_PARAM is returned …, the Client-Server API request SHOULD fail with a 5xx error rather than being passed through." */
function passedOn(server: ServerName, error: MatrixError): MatrixError {
  const isOurs = error.errcode === 'M_MISSING_PARAM' || error.errcode === 'M_INVALID_PARAM'
  return isOurs ? unreachable(`${server} did not understand the invitation: ${error.message}`) : error
}
