import { allowedRooms } from '../core/allowed-rooms.ts'
import { actionLevel, powerScope, userPower } from '../core/event-auth/power-levels.ts'
import { readOptionalText, roomIdOf } from '../core/fields.ts'
import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject, type JsonObject } from '../core/json.ts'
import { forbidden, notFound } from '../core/matrix-error.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import { timestampOf } from '../graph/timestamp.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { carryPushRules } from '../people/carry-push-rules.ts'
import type { Tools } from '../slice.ts'
import { changeMembership, profileContent } from './change-membership.ts'
import { roomOf } from './room-of.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#joining-rooms */
export function joining(tools: Tools): Endpoint[] {
  const post = { method: 'POST', auth: 'access_token', body: 'json?', rate: 'join' } as const
  return [
    endpoint({
      ...post,
      path: '/_matrix/client/v3/rooms/{roomId}/join',
      operationId: 'joinRoomById',
      handle: (call) => join(tools, call, roomIdOf(call.params['roomId'])),
    }),
    endpoint({
      ...post,
      path: '/_matrix/client/v3/join/{roomIdOrAlias}',
      operationId: 'joinRoom',
      handle: async (call) => join(tools, call, await roomOf(tools, call)),
    }),
  ]
}

async function join(tools: Tools, call: Call<'access_token'>, roomId: RoomId): Promise<Reply> {
  const { graph, people } = tools
  const { userId } = call.requester
  const room = await graph.freshRoom(roomId)
  if (room === undefined) throw notFound('this server knows no such room')
  if (room.membership(userId) === 'join') return { body: { room_id: roomId } }
  const authoriser = await authoriserOf(graph, room, userId)
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

/** What a client adds to its join of its own accord: keys that nothing else has a use for. */
function ownContent(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !reserved.has(key)))
}

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

/**
 * Who vouches for a restricted join: a local member who may invite, when the joiner is in one of the allowed rooms. Undefined when nobody need.
 * 403 M_FORBIDDEN when no condition is met. https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
async function authoriserOf(graph: Graph, room: RoomView, userId: UserId): Promise<UserId | undefined> {
  const rule = room.state('m.room.join_rules', '')?.pdu.content
  const restricted = room.rules.restrictedJoin && (rule?.['join_rule'] === 'restricted' || rule?.['join_rule'] === 'knock_restricted')
  if (!restricted || room.membership(userId) === 'invite') return undefined
  const mine = await graph.memberships(userId)
  const allowed = allowedRooms(rule).some((roomId) => mine.get(roomId)?.membership === 'join')
  if (!allowed) throw forbidden('you are in none of the rooms whose members may join this one')
  const scope = powerScope((type, stateKey) => room.state(type, stateKey)?.pdu, room.rules)
  const needed = actionLevel(scope, 'invite')
  for (const member of room.joined) if (userPower(scope, member) >= needed) return member
  throw forbidden('nobody here may let you in')
}
