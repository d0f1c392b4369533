import { readOptionalText, readText, userIdOf } from '../core/fields.ts'
import type { UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { forbidden, invalidParam } from '../core/matrix-error.ts'
import { isPlainText } from '../core/plain-text.ts'
import type { Graph } from '../graph/graph.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import { selectPresence } from './presence.store.ts'
import type { Presences } from './presence.ts'
import { longestMessage, type PresenceName, presenceContent, presenceNames } from './presence-content.ts'

const path = { path: '/_matrix/client/v3/presence/{userId}/status', aliases: ['/_matrix/client/r0/presence/{userId}/status'] }

/** https://spec.matrix.org/v1.19/client-server-api/#presence */
export function presenceEndpoints({ home, graph }: Pick<Tools, 'home' | 'graph'>, presences: Presences | undefined): Endpoint[] {
  return [
    endpoint({
      ...path,
      method: 'GET',
      operationId: 'getPresence',
      auth: 'access_token',
      body: 'none',
      rate: 'other',
      handle: async ({ params, requester }) => {
        const userId = userIdOf(params['userId'])
        if (userId !== requester.userId && !(await shareARoom(graph, requester.userId, userId)))
          throw forbidden('you share no room with them')
        if (presences === undefined) return { body: { presence: 'offline' } }
        const held = presences.held(userId)
        const row = await home.database.selectOne(selectPresence, userId)
        const told = row && { presence: row.presence, statusMsg: row.status_msg, lastActiveAt: row.last_active_at }
        const known = held === undefined ? told : { ...held, statusMsg: held.statusMsg ?? told?.statusMsg ?? null }
        return { body: known === undefined ? { presence: 'offline' } : presenceContent(known, home.clock.now()) }
      },
    }),
    endpoint({
      ...path,
      method: 'PUT',
      operationId: 'setPresence',
      auth: 'access_token',
      body: 'json',
      rate: 'other',
      handle: ({ params, body, requester }) => {
        if (userIdOf(params['userId']) !== requester.userId) throw forbidden('one can only say how one is oneself')
        const { presence, message } = readPresence(body)
        presences?.set(requester.userId, requester.deviceId ?? '', presence, message)
        return { body: {} }
      },
    }),
  ]
}

function readPresence(body: JsonObject): { presence: PresenceName; message: string | undefined } {
  const text = readText(body, 'presence')
  const presence = presenceNames.find((name) => name === text)
  if (presence === undefined) throw invalidParam(`\`presence\` must be one of ${presenceNames.join(', ')}`)
  const message = body['status_msg'] === null ? '' : readOptionalText(body, 'status_msg')
  if (message !== undefined && message !== '' && !isPlainText(message, longestMessage)) {
    throw invalidParam(`\`status_msg\` must be a text of at most ${longestMessage} bytes`)
  }
  return { presence, message }
}

/** Whether two users are in a room together. */
export async function shareARoom(graph: Pick<Graph, 'memberships'>, one: UserId, other: UserId): Promise<boolean> {
  const own = await graph.memberships(one)
  for (const [roomId, { membership }] of await graph.memberships(other)) {
    if (membership === 'join' && own.get(roomId)?.membership === 'join') return true
  }
  return false
}
