import { canonicalJson } from '../core/canonical-json.ts'
import { roomIdOf } from '../core/fields.ts'
import { isRoomAlias, isUserId, type RoomAlias, type RoomId, serverNameOf } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { badAlias, badJson, forbidden, invalidParam } from '../core/matrix-error.ts'
import type { RoomView, Template } from '../graph/graph.ts'
import { createLanes } from '../graph/lanes.ts'
import { timestampOf } from '../graph/timestamp.ts'
import type { Home } from '../home.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { checkInvite } from '../people/invites/invite-wishes.ts'
import type { Tools } from '../slice.ts'
import { readDelay } from './delayed-events.client.ts'
import type { DelayedEvents } from './delayed-events.ts'

const path = '/_matrix/client/v3/rooms/{roomId}/state/{eventType}'

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey */
export function roomState({ graph, home }: Tools, delayed: DelayedEvents): Endpoint[] {
  const lanes = createLanes()
  return [
    endpoint({
      method: 'PUT',
      path: `${path}/{stateKey}`,
      aliases: [path],
      operationId: 'setRoomStateWithKey',
      auth: 'access_token',
      body: 'json',
      rate: 'message',
      handle: async (call) => {
        const { requester, params, body } = call
        const roomId = roomIdOf(params['roomId'])
        const type = params['eventType'] ?? ''
        if (type === '') throw badJson('an event has a type')
        if (type === 'm.room.create') throw badJson('a room has one create event, its first')
        const timestamp = timestampOf(call)
        const template = {
          type,
          stateKey: params['stateKey'] ?? '',
          sender: requester.userId,
          content: type === 'm.room.member' ? withoutAuthoriser(body) : body,
        }
        const stamped = timestamp === undefined ? template : { ...template, timestamp }
        const room = await graph.freshRoom(roomId)
        if (room === undefined) throw forbidden('you are not in a room with this id')
        if (type === 'm.room.canonical_alias') await checkAliases(room, body, graph.aliasTarget)
        if (type === 'm.room.member') await checkMember(template, home)
        const delay = readDelay(call.query, home.config.delayed_events.longest)
        if (delay !== undefined && isRemoteInvite(template, home)) throw forbidden('a user of another server is invited at once, or not')
        if (delay !== undefined) return { body: { delay_id: await delayed.schedule(roomId, template, delay, undefined) } }
        return lanes(JSON.stringify([roomId, type, template.stateKey]), async () => {
          const same = await unchanged(room, template, async () => (await graph.members(roomId, [requester.userId])).size)
          if (same !== undefined) return { body: { event_id: same } }
          if (isRemoteInvite(template, home)) return { body: { event_id: (await graph.inviteRemote(roomId, stamped)).eventId } }
          const { eventIds } = await graph.append(roomId, [stamped])
          return { body: { event_id: eventIds[0] } }
        })
      },
    }),
  ]
}

/** The event that says the same already, by the same sender who still is in the room; its id is the answer then. */
async function unchanged(room: RoomView, template: Template, load: () => Promise<unknown>): Promise<string | undefined> {
  await load()
  const current = room.state(template.type, template.stateKey ?? '')
  if (current === undefined || current.pdu.sender !== template.sender || room.membership(template.sender) !== 'join') return undefined
  return canonicalJson(current.pdu.content) === canonicalJson(template.content) ? current.eventId : undefined
}

/** Who vouches for a restricted join is for servers to say. */
function withoutAuthoriser({ join_authorised_via_users_server: _, ...content }: JsonObject): JsonObject {
  return content
}

/** Whether the server of the invited user has to sign the event too. */
function isRemoteInvite({ type, stateKey, content }: Template, { serverName }: Pick<Home, 'serverName'>): boolean {
  return type === 'm.room.member' && content['membership'] === 'invite' && isUserId(stateKey) && serverNameOf(stateKey) !== serverName
}

async function checkMember({ stateKey, content, sender }: Template, { serverName, database }: Pick<Home, 'serverName' | 'database'>) {
  if (!['join', 'invite', 'leave', 'ban', 'knock'].includes(String(content['membership'])))
    throw badJson('`membership` must be one that Matrix knows')
  if (!isUserId(stateKey)) throw invalidParam('the state key of a membership is a user id')
  if (content['membership'] !== 'invite' || serverNameOf(stateKey) !== serverName) return
  await checkInvite(database, sender, stateKey)
}

/** "The `alias` and `alt_aliases` must be valid, and point to the room": 400 M_BAD_ALIAS or M_INVALID_PARAM. Those that stood before are not asked again. */
async function checkAliases(room: RoomView, content: JsonObject, target: (alias: RoomAlias) => Promise<RoomId | undefined>): Promise<void> {
  const before = room.state('m.room.canonical_alias', '')?.pdu.content ?? {}
  const known = new Set(aliasesOf(before))
  for (const alias of aliasesOf(content)) {
    if (known.has(alias)) continue
    if (!isRoomAlias(alias)) throw invalidParam('an alias looks like #name:example.org')
    if ((await target(alias)) !== room.roomId) throw badAlias()
  }
}

function aliasesOf(content: JsonObject): unknown[] {
  const { alias, alt_aliases: others } = content
  if (others !== undefined && !Array.isArray(others)) throw badJson('`alt_aliases` must be a list')
  return [...(alias === undefined || alias === null || alias === '' ? [] : [alias]), ...(Array.isArray(others) ? others : [])]
}
