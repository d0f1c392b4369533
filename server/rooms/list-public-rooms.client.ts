import { powerScope, requiredLevel, userPower } from '../core/event-auth/power-levels.ts'
import { readOptionalText, roomIdOf } from '../core/fields.ts'
import { badJson, forbidden, missingToken, notFound } from '../core/matrix-error.ts'
import { type Call, type Endpoint, endpoint, type Reply } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { listRooms, readPage, readQuestion } from './public-rooms.ts'
import { isPublished, publication } from './published-rooms.ts'
import { createAskOther } from './rooms-of-others.ts'

/** The published room directory. https://spec.matrix.org/v1.19/client-server-api/#published-room-directory */
export function listPublicRooms(tools: Tools): Endpoint[] {
  const { home } = tools
  const askOther = createAskOther(home)
  const list = { path: '/_matrix/client/v3/publicRooms', aliases: ['/_matrix/client/r0/publicRooms'] }
  const one = { path: '/_matrix/client/v3/directory/list/room/{roomId}', aliases: ['/_matrix/client/r0/directory/list/room/{roomId}'] }
  return [
    endpoint({
      ...list,
      method: 'GET',
      operationId: 'getPublicRooms',
      auth: 'access_token?',
      body: 'none',
      handle: ({ query, requester }) => {
        const server = query.get('server') ?? home.serverName
        // Who is not logged in has this server ask nobody.
        if (server !== home.serverName && requester === undefined) throw missingToken()
        if (server !== home.serverName) return askOther(server, { limit: query.get('limit'), since: query.get('since') }, undefined)
        return listRooms(tools, { ...readPage(query), directory: { of: 'server' } })
      },
    }),
    endpoint({
      ...list,
      method: 'POST',
      operationId: 'queryPublicRooms',
      auth: 'access_token',
      body: 'json?',
      handle: ({ query, body }) => {
        const server = query.get('server') ?? home.serverName
        return server === home.serverName ? listRooms(tools, readQuestion(body)) : askOther(server, {}, body)
      },
    }),
    endpoint({
      ...one,
      method: 'GET',
      operationId: 'getRoomVisibilityOnDirectory',
      auth: 'access_token?',
      body: 'none',
      handle: async ({ params }) => {
        const room = await tools.graph.freshRoom(roomIdOf(params['roomId']))
        if (room === undefined) throw notFound('this server knows no such room')
        return { body: { visibility: (await isPublished(tools.home, room.roomId)) ? 'public' : 'private' } }
      },
    }),
    endpoint({
      ...one,
      method: 'PUT',
      operationId: 'setRoomVisibilityOnDirectory',
      auth: 'access_token',
      body: 'json?',
      handle: (call) => setVisibility(tools, call),
    }),
  ]
}

/** Whoever may name a room may publish it, and the server's administrators. */
async function setVisibility({ graph, home }: Tools, { params, body, requester }: Call<'access_token'>): Promise<Reply> {
  const visibility = readOptionalText(body, 'visibility') ?? 'public'
  if (visibility !== 'public' && visibility !== 'private') throw badJson('`visibility` must be public or private')
  const room = await graph.freshRoom(roomIdOf(params['roomId']))
  if (room === undefined) throw notFound('this server knows no such room')
  const scope = powerScope((type, stateKey) => room.state(type, stateKey)?.pdu, room.rules)
  const isMember = room.membership(requester.userId) === 'join'
  const mayName = isMember && userPower(scope, requester.userId) >= requiredLevel(scope, 'm.room.canonical_alias', true)
  if (!mayName && !requester.admin) throw forbidden('you may not publish this room')
  await home.database.commit({ writes: [publication(room.roomId, visibility === 'public')] })
  return { body: {} }
}
