import { roomIdOf } from '../core/fields.ts'
import { eventIdOf } from '../core/hashes.ts'
import { isUserId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badJson, forbidden, incompatibleVersion, invalidParam, notFound } from '../core/matrix-error.ts'
import { checkPduShape, type Pdu } from '../core/pdu.ts'
import { isAllowedByAcl } from '../core/servers/server-acl.ts'
import type { RoomView } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { type LongBody, replyWith } from '../http/long-body.ts'
import type { Tools } from '../slice.ts'
import { authoriserOf } from './restricted-join.ts'

/** Letting users of other servers join. https://spec.matrix.org/v1.19/server-server-api/#joining-rooms */
export function joinsFederation(tools: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/federation/v1/make_join/{roomId}/{userId}',
      operationId: 'makeJoin',
      auth: 'x-matrix',
      body: 'none',
      handle: (call) => makeJoin(tools, call),
    }),
    endpoint({
      method: 'PUT',
      path: '/_matrix/federation/v2/send_join/{roomId}/{eventId}',
      operationId: 'sendJoinV2',
      auth: 'x-matrix',
      body: 'json',
      handle: async (call) => {
        const { before, state } = await sendJoin(tools, call)
        return replyWith(call.response, before, state)
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/_matrix/federation/v1/send_join/{roomId}/{eventId}',
      operationId: 'sendJoinV1',
      auth: 'x-matrix',
      body: 'json',
      // The former version's answer is the same in a list, after a status.
      handle: async (call) => {
        const { before, state } = await sendJoin(tools, call)
        return replyWith(call.response, `[200,${before}`, state, ']')
      },
    }),
  ]
}

async function makeJoin(tools: Tools, { params, query, origin }: Call<'x-matrix'>): Promise<Reply> {
  const { userId } = params
  if (!isUserId(userId) || serverNameOf(userId) !== origin) throw forbidden('the user is not of the server that asks')
  const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
  const offered = query.getAll('ver')
  if (!(offered.length === 0 ? ['1'] : offered).includes(room.version)) throw incompatibleVersion(room.version)
  const authoriser = await authoriserOf(tools, room, userId)
  const content = { membership: 'join', ...(authoriser === undefined ? {} : { join_authorised_via_users_server: authoriser }) }
  const template = { type: 'm.room.member', stateKey: userId, sender: userId, content }
  const { version, event } = await tools.graph.propose(room.roomId, template, [tools.home.serverName, origin])
  return { body: { room_version: version, event: event as unknown as JsonObject } }
}

/** Takes a join; what is answered is an object that ends with the room's state. */
async function sendJoin(tools: Tools, { params, query, body, origin }: Call<'x-matrix'>): Promise<{ before: string; state: LongBody }> {
  const { home, graph } = tools
  const room = await roomFor(tools, roomIdOf(params['roomId']), origin)
  const userId = checkHanded(room, body, { origin, membership: 'join', eventId: params['eventId'] })
  const sign = await vouches(tools, room, body, userId)
  const { eventId, pdu } = await graph.takeHanded(origin, room.roomId, { event: body, sign })
  const asked = { roomId: room.roomId, eventId, server: origin }
  const frame = query.get('omit_members') === 'true' ? await graph.forServers.stateWithoutMembers(asked) : undefined
  const state = frame ?? (await graph.forServers.state(asked))
  const servers = JSON.stringify([...room.servers.keys()])
  const before = `{"origin":${JSON.stringify(home.serverName)},"members_omitted":${frame !== undefined},"servers_in_room":${servers},"event":${JSON.stringify(pdu)},"state":`
  return { before, state }
}

/** The room, where this server is in it and lets the other one in. 404 M_NOT_FOUND, 403 M_FORBIDDEN. */
export async function roomFor({ home, graph }: Tools, roomId: RoomId, origin: ServerName): Promise<RoomView> {
  const room = await graph.freshRoom(roomId)
  if (room === undefined || !room.servers.has(home.serverName)) throw notFound('this server is not in the room')
  const acl = room.state('m.room.server_acl', '')?.pdu.content
  if (!isAllowedByAcl(acl, origin)) throw forbidden('the room does not let this server in')
  return room
}

type Expected = { readonly origin: ServerName; readonly membership: string; readonly eventId: string | undefined }

/** Whose membership an event changes that a server made of our proposal. 400 M_BAD_JSON, M_INVALID_PARAM, 403 M_FORBIDDEN when it is none such. */
export function checkHanded(room: RoomView, event: JsonObject, { origin, membership, eventId }: Expected): UserId {
  const shape = checkPduShape(event, room.rules)
  if (!shape.allowed) throw badJson(shape.reason)
  const pdu = event as unknown as Pdu
  if (pdu.type !== 'm.room.member' || pdu.content['membership'] !== membership) throw badJson(`the event is no ${membership}`)
  if (pdu.room_id !== room.roomId) throw badJson('the event is of another room')
  if (pdu.state_key !== pdu.sender || !isUserId(pdu.sender)) throw badJson('the state key is not the sender')
  if (serverNameOf(pdu.sender) !== origin) throw forbidden('the sender is not of the server that asks')
  if (eventIdOf(pdu, room.rules) !== eventId) throw invalidParam('the event has another id than the path says')
  return pdu.sender
}

/** Whether somebody of this server is named as vouching for a join, and may: then the join bears our signature. */
async function vouches(tools: Tools, room: RoomView, { content }: JsonObject, userId: UserId): Promise<boolean> {
  const named = (content as JsonObject)['join_authorised_via_users_server']
  if (!isUserId(named) || serverNameOf(named) !== tools.home.serverName) return false
  return (await authoriserOf(tools, room, userId)) !== undefined
}
