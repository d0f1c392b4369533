import { allowedRooms } from '../core/allowed-rooms.ts'
import { type RoomId, type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { isAllowedByAcl } from '../core/servers/server-acl.ts'
import type { Graph, RoomView } from '../graph/graph.ts'

/** What the public directory tells of a room. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms */
export function publicSummary(room: RoomView): JsonObject {
  const content = (type: string) => room.state(type, '')?.pdu.content
  return defined({
    room_id: room.roomId,
    num_joined_members: room.memberCount('join'),
    world_readable: isWorldReadable(room),
    guest_can_join: content('m.room.guest_access')?.['guest_access'] === 'can_join',
    join_rule: joinRuleOf(room),
    name: textOf(content('m.room.name')?.['name']),
    topic: topicOf(content('m.room.topic')),
    canonical_alias: textOf(content('m.room.canonical_alias')?.['alias']),
    avatar_url: textOf(content('m.room.avatar')?.['url']),
    room_type: textOf(content('m.room.create')?.['type']),
  })
}

/** What somebody who may look at a room from outside is told of it. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
export function roomSummary(room: RoomView): JsonObject {
  const joinRules = room.state('m.room.join_rules', '')?.pdu.content
  const isRestricted = ['restricted', 'knock_restricted'].includes(joinRuleOf(room))
  return defined({
    ...publicSummary(room),
    room_version: room.version,
    encryption: textOf(room.state('m.room.encryption', '')?.pdu.content['algorithm']),
    allowed_room_ids: isRestricted ? allowedRooms(joinRules) : undefined,
  })
}

/**
 * Whether a user, or somebody unknown, may look at a room: members and the invited, those who may join or knock, and everyone where history is
 * world-readable. Those who are banned may not join.
 */
export async function mayPreview(graph: Pick<Graph, 'memberships'>, room: RoomView, userId: UserId | undefined): Promise<boolean> {
  if (isWorldReadable(room)) return true
  const membership = userId === undefined ? undefined : room.membership(userId)
  if (membership === 'join' || membership === 'invite') return true
  if (membership === 'ban') return false
  if (mayAnybodyAsk(room)) return true
  if (userId === undefined) return false
  const mine = await graph.memberships(userId)
  return roomsThatAllow(room).some((roomId) => mine.get(roomId)?.membership === 'join')
}

/** So many rooms are looked into for whether a server is in one of them. */
const mostAllowing = 50

/**
 * Whether a server may look at a room: for any user that it has, or may have. The server in turn decides for its users.
 * https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export async function mayServerPreview(graph: Pick<Graph, 'room'>, room: RoomView, server: ServerName): Promise<boolean> {
  if (!isAllowedByAcl(room.state('m.room.server_acl', '')?.pdu.content, server)) return false
  if (isWorldReadable(room) || room.servers.has(server) || mayAnybodyAsk(room)) return true
  for (const userId of room.invited) if (serverNameOf(userId) === server) return true
  for (const roomId of roomsThatAllow(room).slice(0, mostAllowing)) if ((await graph.room(roomId))?.servers.has(server)) return true
  return false
}

/** Whether anybody may join a room, or at least knock. */
function mayAnybodyAsk(room: RoomView): boolean {
  const rule = joinRuleOf(room)
  return rule === 'public' || (rule === 'knock' && room.rules.knock) || (rule === 'knock_restricted' && room.rules.knockRestricted)
}

/** The rooms whose members may join this one, where being a member of one is the only way. */
function roomsThatAllow(room: RoomView): RoomId[] {
  const isRestricted = joinRuleOf(room) === 'restricted' && room.rules.restrictedJoin
  return isRestricted ? allowedRooms(room.state('m.room.join_rules', '')?.pdu.content) : []
}

/** Whether a room may stand in the directory: those who find it there can join it, ask to, or at least read it. */
export function isFindable(room: RoomView): boolean {
  return isWorldReadable(room) || ['public', 'knock', 'restricted', 'knock_restricted'].includes(joinRuleOf(room))
}

function isWorldReadable(room: RoomView): boolean {
  return room.state('m.room.history_visibility', '')?.pdu.content['history_visibility'] === 'world_readable'
}

function joinRuleOf(room: RoomView): string {
  return textOf(room.state('m.room.join_rules', '')?.pdu.content['join_rule']) ?? 'invite'
}

/** The plain text of a topic: its `text/plain` block, or what old clients set. https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function topicOf(content: JsonObject | undefined): string | undefined {
  const block = content?.['m.topic']
  const texts = isJsonObject(block) && Array.isArray(block['m.text']) ? block['m.text'] : undefined
  const plain = texts?.find((text) => isJsonObject(text) && (text['mimetype'] ?? 'text/plain') === 'text/plain')
  return isJsonObject(plain) ? textOf(plain['body']) : textOf(content?.['topic'])
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function defined(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
