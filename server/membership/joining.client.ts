import { readOptionalText, roomIdOf } from '../core/fields.ts'
import { isRoomId, type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { forbidden, MatrixError } from '../core/matrix-error.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { carryPushRules } from '../people/carry-push-rules.ts'
import type { Tools } from '../slice.ts'
import { changeMembership, profileContent } from './change-membership.ts'
import { isElsewhere } from './is-elsewhere.ts'
import { joinRemote } from './join-remote.ts'
import { authoriserOf } from './restricted-join.ts'
import { type Found, findRoom, viaOf } from './room-of.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#joining-rooms */
export function joining(tools: Tools): Endpoint[] {
  const post = { method: 'POST', auth: 'access_token', body: 'json?', rate: 'join' } as const
  return [
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/join',
      operationId: 'joinRoomById',
      handle: (call) => join(tools, call, { roomId: roomIdOf(call.params['roomId']), servers: viaOf(call) }),
    }),
    endpoint({
      ...post,
      path: '/_matrix/client/v3/join/{roomIdOrAlias}',
      operationId: 'joinRoom',
      handle: async (call) => join(tools, call, await findRoom(tools, call)),
    }),
  ]
}

async function join(tools: Tools, call: Call<'access_token'>, { roomId, servers }: Found): Promise<Reply> {
  const { graph, people } = tools
  const { userId } = call.requester
  const room = await graph.freshRoom(roomId)
  if (room?.membership(userId) === 'join') return { body: { room_id: roomId } }
  if (room === undefined || isElsewhere(room, tools.home)) return joinElsewhere(tools, call, roomId, servers)
  // Who may come in is known to other servers until all members are here.
  if (room.isPartial && room.membership(userId) === undefined) return joinElsewhere(tools, call, roomId, servers)
  const authoriser = await authoriserHere(tools, room, userId)
  if (authoriser === 'elsewhere') return joinElsewhere(tools, call, roomId, servers)
  await changeMembership(graph, {
    roomId,
    sender: userId,
    target: userId,
    membership: 'join',
    reason: readOptionalText(call.body, 'reason'),
    timestamp: timestampOf(call),
    content: {
      ...ownContent(call.body),
      ...(await profileContent(people, userId)),
      ...(authoriser === undefined ? {} : { join_authorised_via_users_server: authoriser }),
    },
  })
  await carrySettings(tools, room, userId)
  return { body: { room_id: roomId } }
}

/** Who of this server vouches for a join; `elsewhere` when only another server of the room can. */
async function authoriserHere(tools: Tools, room: RoomView, userId: UserId): Promise<UserId | undefined | 'elsewhere'> {
  try {
    return await authoriserOf(tools, room, userId)
  } catch (error) {
    if (!(error instanceof MatrixError) || error.status === 403) throw error
    if (room.servers.size > 1) return 'elsewhere'
    throw forbidden('nobody here may let you in')
  }
}

/** Over the servers that were named, those of the alias, that of whoever invited; where none of them answers, over those that are known otherwise. */
async function joinElsewhere(tools: Tools, call: Call<'access_token'>, roomId: RoomId, named: readonly ServerName[]): Promise<Reply> {
  const { graph, people, home } = tools
  const { userId } = call.requester
  const invite = (await graph.memberships(userId)).get(roomId)
  const inviter = invite?.membership === 'invite' ? [serverNameOf(invite.sender)] : []
  const others = named.filter((server) => server !== home.serverName)
  const reason = readOptionalText(call.body, 'reason')
  const content = { ...ownContent(call.body), ...(await profileContent(people, userId)), ...(reason === undefined ? {} : { reason }) }
  const otherwise = await knownServers(graph, roomId, userId)
  await joinRemote(tools, { roomId, userId, servers: [...others, ...inviter], otherwise, content })
  const room = await graph.freshRoom(roomId)
  if (room !== undefined) await carrySettings(tools, room, userId)
  return { body: { room_id: roomId } }
}

/** Those that came with an invitation, and those that were in the room when this server left it. */
async function knownServers(graph: Graph, roomId: RoomId, userId: UserId): Promise<ServerName[]> {
  const told = (await graph.outside.find(userId, roomId))?.servers ?? []
  return [...told, ...((await graph.room(roomId))?.servers.keys() ?? [])].slice(0, mostKnown)
}

/** What a client adds to its join of its own accord: keys that nothing else has a use for. */
function ownContent(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !reserved.has(key)))
}

/** Servers of a room that this one has left, tried where none that is named answers. */
const mostKnown = 10

const reserved = new Set([
  'membership',
  'reason',
  'third_party_signed',
  'third_party_invite',
  'is_direct',
  'displayname',
  'avatar_url',
  'join_authorised_via_users_server',
])

/** "When a user joins the new room, the server should automatically transfer/replicate some of the user's personalized settings". */
async function carrySettings({ graph, home }: Tools, room: RoomView, userId: UserId): Promise<void> {
  const predecessor = room.state('m.room.create', '')?.pdu.content['predecessor']
  const from = isJsonObject(predecessor) ? predecessor['room_id'] : undefined
  if (!isRoomId(from)) return
  const tombstone = (await graph.room(from))?.state('m.room.tombstone', '')?.pdu.content
  if (tombstone?.['replacement_room'] === room.roomId) await carryPushRules(home.database, userId, from, room.roomId)
}
