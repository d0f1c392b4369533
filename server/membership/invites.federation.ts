import { canonicalJson } from '../core/canonical-json.ts'
import { readText, roomIdOf } from '../core/fields.ts'
import { eventIdOf, hasRightHash } from '../core/hashes.ts'
import { type EventId, isUserId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { badJson, forbidden, incompatibleVersion, invalidParam, notFound } from '../core/matrix-error.ts'
import { authEventIdsOf, checkPduShape, type Pdu, prevEventIdsOf } from '../core/pdu.ts'
import { type RoomRules, roomRules } from '../core/room-versions.ts'
import { isAllowedByAcl } from '../core/servers/server-acl.ts'
import { signPdu } from '../core/signatures.ts'
import type { RoomView } from '../graph/graph.ts'
import { findSignature } from '../graph/outside/find-signature.ts'
import { readGivenState } from '../graph/outside/stripped-state.ts'
import { checkIncoming } from '../graph/receive/check-incoming.ts'
import { loadStored } from '../graph/receive/known-events.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import { createAtOnce, createInviteLimit, type InviteLimit } from './invite-limit.ts'

/** Users of other servers invite those of this one. https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room */
export function invitesFederation(tools: Tools): Endpoint[] {
  const limit = createInviteLimit(tools)
  const atOnce = createAtOnce()
  const take = (invite: Invite) => atOnce(invite.origin, () => takeInvite(tools, limit, invite))
  const put = { method: 'PUT', auth: 'x-matrix', body: 'json' } as const
  return [
    endpoint({
      ...put,
      path: '/_matrix/federation/v2/invite/{roomId}/{eventId}',
      operationId: 'sendInviteV2',
      handle: async ({ params, body, origin }) => {
        const { event } = body
        if (!isJsonObject(event)) throw badJson('`event` must be an object')
        const version = readText(body, 'room_version')
        const given = body['invite_room_state']
        const signed = await take({
          origin,
          roomId: roomIdOf(params['roomId']),
          eventId: params['eventId'],
          version,
          event,
          given,
        })
        return { body: canonicalJson({ event: signed }, false) }
      },
    }),
    endpoint({
      ...put,
      path: '/_matrix/federation/v1/invite/{roomId}/{eventId}',
      operationId: 'sendInviteV1',
      handle: async ({ params, body: event, origin }) => {
        const unsigned = isJsonObject(event['unsigned']) ? event['unsigned'] : {}
        const given = unsigned['invite_room_state']
        // "Servers which receive a v1 invite request must assume that the room version is either "1" or "2"": events look the same in both.
        const version = '1'
        const signed = await take({
          origin,
          roomId: roomIdOf(params['roomId']),
          eventId: params['eventId'],
          version,
          event,
          given,
        })
        return { body: canonicalJson([200, { event: signed }], false) }
      },
    }),
  ]
}

type Invite = {
  readonly origin: ServerName
  readonly roomId: RoomId
  readonly eventId: string | undefined
  readonly version: string
  readonly event: JsonObject
  readonly given: Json | undefined
}

/** Keeps an invitation for one of our users and gives it back under this server's signature. Nothing else is ever signed. */
async function takeInvite(tools: Tools, limit: InviteLimit, invite: Invite): Promise<JsonObject> {
  const { home, people, graph } = tools
  const { origin, roomId, version, event } = invite
  const rules = roomRules(version)
  if (rules === undefined) throw incompatibleVersion(version.slice(0, 100))
  const invited = checkInviteEvent(invite, rules, home.serverName)
  const pdu = event as unknown as Pdu
  if ((await findSignature(home.keyRing, pdu, rules, origin)) === undefined)
    throw invalidParam(`the event bears no valid signature of ${origin}`)
  const incoming = await checkIncoming(home.keyRing, rules, roomId, event)
  if (typeof incoming === 'string') throw invalidParam(incoming)
  if (!(await people.userExists(invited))) throw notFound('there is no such user on this server')
  await checkInvite(home.database, pdu.sender, invited)
  const signed = signPdu(pdu, rules, home.serverName, home.signingKey) as unknown as JsonObject
  const room = await graph.freshRoom(roomId)
  if (room?.servers.has(home.serverName)) {
    // "if the remote homeserver is already in the room, it will receive the invite event twice": it takes its place in the room with the second.
    const isUnheard = await checkRoom(tools, room, pdu, invited)
    if (!isUnheard) return signed
  }
  const held = (await graph.memberships(invited)).get(roomId)
  if (held?.eventId === incoming.eventId) return signed
  await limit({ origin, sender: pdu.sender, invited })
  const state = await stateOf(tools, invite, rules)
  const servers = [...new Set([origin, ...serversOf(state)])]
  const { eventId } = incoming
  await graph.outside.note({ userId: invited, roomId, version, event: { eventId, pdu: incoming.pdu }, servers, state })
  return signed
}

/** "Servers MUST apply certain validation to ensure they don't accidentally sign non-invite events from a malicious server." Gives whom it is for. */
function checkInviteEvent({ origin, roomId, eventId, event }: Invite, rules: RoomRules, serverName: ServerName): UserId {
  const shape = checkPduShape(event, rules)
  if (!shape.allowed) throw invalidParam(shape.reason)
  const pdu = event as unknown as Pdu
  if (pdu.type !== 'm.room.member' || pdu.content['membership'] !== 'invite') throw invalidParam('the event is no invitation')
  if (pdu.room_id !== roomId) throw invalidParam('the event is of another room than the path says')
  if (serverNameOf(pdu.sender) !== origin) throw invalidParam('the sender is not of the server that asks')
  if (!isUserId(pdu.state_key) || serverNameOf(pdu.state_key) !== serverName) throw invalidParam('the invited user is not of this server')
  if (!hasRightHash(pdu, rules)) throw invalidParam('the event is not what was hashed')
  if (eventIdOf(pdu, rules) !== (eventId as EventId)) throw invalidParam('the event has another id than the path says')
  return pdu.state_key
}

/**
 * An invitation may stand on what has not come yet, as that a ban was lifted, or that nobody of this server is in the room any more: whether it does. Then who
 * is in the room is not for this server to say.
 */
async function checkRoom({ graph, home }: Tools, room: RoomView, pdu: Pdu, invited: UserId): Promise<boolean> {
  if (!isAllowedByAcl(room.state('m.room.server_acl', '')?.pdu.content, serverNameOf(pdu.sender)))
    throw forbidden('the room does not let this server in')
  const prevs = prevEventIdsOf(pdu)
  // Also what is here and kept from everybody.
  const here = await loadStored(home.database.select, prevs)
  const lacksPrevs = prevs.some((eventId) => here.get(eventId)?.outlier !== false)
  const membership = room.membership(invited)
  if (membership !== 'join' && membership !== 'ban') return lacksPrevs
  const cited = authEventIdsOf(pdu)
  const own = new Set((await graph.membershipEvents(invited, room.roomId)).map(({ eventId }) => eventId))
  const state = new Set([...room.allState(), ...(await graph.members(room.roomId, [pdu.sender])).values()].map(({ eventId }) => eventId))
  // Dendrite does not cite the membership of somebody who has left.
  const isUnheard = lacksPrevs || cited.some((id) => !state.has(id))
  if (!isUnheard || cited.some((id) => own.has(id))) throw forbidden('this user is in the room already, or banned from it')
  return true
}

/** 400 M_INVALID_PARAM where the room's version asks for whole events and one of them is not what it should be. */
async function stateOf({ home }: Tools, { origin, roomId, given }: Invite, rules: RoomRules) {
  const { state, wrong } = await readGivenState(home, { roomId, rules, given }, true)
  if (wrong === undefined) return state
  if (rules.roomIdIsCreateHash) throw invalidParam(`invite_room_state is not what it should be: ${wrong}`)
  home.log.info('an invitation does not tell the room as it should', { origin, room: roomId, reason: wrong })
  return state
}

/** Servers whose people have set the room's state: they may know the room too. */
function serversOf(state: Awaited<ReturnType<typeof stateOf>>): ServerName[] {
  return state.map(({ sender }) => serverNameOf(sender))
}
