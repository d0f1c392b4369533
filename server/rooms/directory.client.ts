import { powerScope, requiredLevel, userPower } from '../core/event-auth/power-levels.ts'
import { readText, roomIdOf } from '../core/fields.ts'
import { isRoomAlias, isRoomId, type RoomAlias, serverNameOf, type UserId } from '../core/ids.ts'
import { conflict, forbidden, invalidParam, notFound } from '../core/matrix-error.ts'
import type { Graph, RoomView } from '../graph/graph.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import { fetchAlias } from '../remote/fetch-alias.ts'
import { createQuestions } from '../remote/turns.ts'
import type { Tools } from '../slice.ts'
import { checkAliasFree } from './alias-namespaces.ts'
import { localAlias } from './local-alias.ts'

const path = '/_matrix/client/v3/directory/room/{roomAlias}'

/** https://spec.matrix.org/v1.19/client-server-api/#room-aliases */
export function directory(tools: Tools): Endpoint[] {
  const { graph, home } = tools
  const inTurn = createQuestions()
  return [
    endpoint({
      method: 'GET',
      path,
      operationId: 'getRoomIdByAlias',
      auth: 'none',
      body: 'none',
      handle: async ({ params }) => {
        const alias = readAlias(params['roomAlias'])
        if (serverNameOf(alias) === home.serverName) return { body: await localAlias(tools, alias) }
        const { roomId, servers } = await inTurn(serverNameOf(alias), () => fetchAlias(home.peers, alias))
        return { body: { room_id: roomId, servers: [...servers] } }
      },
    }),
    endpoint({
      method: 'PUT',
      path,
      operationId: 'setRoomAlias',
      auth: 'access_token',
      body: 'json',
      handle: (call) => setAlias(tools, call),
    }),
    endpoint({
      method: 'DELETE',
      path,
      operationId: 'deleteRoomAlias',
      auth: 'access_token',
      body: 'none',
      handle: (call) => deleteAlias(tools, call),
    }),
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/rooms/{roomId}/aliases',
      operationId: 'getLocalAliases',
      auth: 'access_token',
      body: 'none',
      handle: async ({ params, requester }) => {
        const roomId = roomIdOf(params['roomId'])
        const room = await graph.freshRoom(roomId)
        if (room === undefined || !mayRead(room, requester.userId)) throw forbidden('you are not a member of this room')
        return { body: { aliases: await graph.aliasesOf(roomId) } }
      },
    }),
  ]
}

function mayRead(room: RoomView, userId: UserId): boolean {
  const visibility = room.state('m.room.history_visibility', '')?.pdu.content['history_visibility']
  return room.membership(userId) === 'join' || visibility === 'world_readable'
}

function readAlias(text: string | undefined): RoomAlias {
  if (!isRoomAlias(text)) throw invalidParam('an alias looks like #name:example.org')
  return text
}

async function setAlias({ graph, home, people }: Tools, { params, body, requester }: Call<'access_token'>): Promise<Reply> {
  const alias = readAlias(params['roomAlias'])
  const roomId = readText(body, 'room_id')
  if (!isRoomId(roomId)) throw invalidParam('`room_id` must be a room id')
  if (serverNameOf(alias) !== home.serverName) throw invalidParam('this alias belongs to another server')
  checkAliasFree(people, alias, requester.service)
  const room = await graph.freshRoom(roomId)
  if (room === undefined || room.membership(requester.userId) !== 'join') throw forbidden('only members of a room may name it')
  const outcome = await home.database.commit(graph.claimAlias(alias, roomId, requester.userId))
  if (!outcome.ok) throw conflict('this alias is taken')
  return { body: {} }
}

/** Whoever made an alias may end it, and whoever may set the room's canonical alias. */
async function deleteAlias({ graph }: Tools, { params, requester }: Call<'access_token'>): Promise<Reply> {
  const alias = readAlias(params['roomAlias'])
  const [creator, roomId] = await Promise.all([graph.aliasCreator(alias), graph.aliasTarget(alias)])
  if (creator === undefined || roomId === undefined) throw notFound('no room has this alias')
  const room = await graph.freshRoom(roomId)
  const scope = room === undefined ? undefined : powerScope((type, stateKey) => room.state(type, stateKey)?.pdu, room.rules)
  const isMember = room?.membership(requester.userId) === 'join'
  const mayName =
    room !== undefined &&
    isMember &&
    scope !== undefined &&
    userPower(scope, requester.userId) >= requiredLevel(scope, 'm.room.canonical_alias', true)
  if (creator !== requester.userId && !mayName && !requester.admin) throw forbidden('this alias is not yours')
  if (!(await graph.removeAlias(alias))) throw notFound('no room has this alias')
  if (mayName) await dropFromCanonical(graph, room, alias, requester.userId)
  return { body: {} }
}

/** "Servers may choose to update the `alt_aliases` for the `m.room.canonical_alias` state event": it names the alias no more. */
async function dropFromCanonical(graph: Graph, room: RoomView, alias: RoomAlias, sender: UserId): Promise<void> {
  const { alias: main, alt_aliases: others, ...content } = room.state('m.room.canonical_alias', '')?.pdu.content ?? {}
  const left = Array.isArray(others) ? others.filter((other) => other !== alias) : []
  if (main !== alias && left.length === (Array.isArray(others) ? others.length : 0)) return
  const kept = { ...(main === undefined || main === alias ? {} : { alias: main }), ...(left.length === 0 ? {} : { alt_aliases: left }) }
  await graph.append(room.roomId, [{ type: 'm.room.canonical_alias', stateKey: '', sender, content: { ...content, ...kept } }])
}
