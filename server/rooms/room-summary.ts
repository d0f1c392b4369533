import { allowedRooms } from '../core/allowed-rooms.ts'
import type { UserId } from '../core/ids.ts'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
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
  const rule = joinRuleOf(room)
  const isKnockable = (rule === 'knock' && room.rules.knock) || (rule === 'knock_restricted' && room.rules.knockRestricted)
  if (rule === 'public' || isKnockable) return true
  if (userId === undefined || rule !== 'restricted' || !room.rules.restrictedJoin) return false
  const mine = await graph.memberships(userId)
  return allowedRooms(room.state('m.room.join_rules', '')?.pdu.content).some((roomId) => mine.get(roomId)?.membership === 'join')
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
