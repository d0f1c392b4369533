import type { RoomId } from '../core/ids.ts'
import { missingParam } from '../core/matrix-error.ts'
import { decodeToken } from '../core/stream-token.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'
import type { DeviceLists, Watcher } from './device-changes.ts'

type Changes = (watcher: Watcher, after: number, upTo: number) => Promise<DeviceLists>

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges */
export function keysChangesEndpoint({ home, graph }: Pick<Tools, 'home' | 'graph'>, changes: Changes): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/_matrix/client/v3/keys/changes',
    aliases: ['/_matrix/client/r0/keys/changes'],
    operationId: 'getKeysChanges',
    auth: 'access_token',
    body: 'none',
    handle: async ({ requester, query }) => {
      const after = readToken(query, 'from')
      // "to" is a hint of how much the client knows; telling it more does no harm.
      const upTo = Math.max(readToken(query, 'to'), home.notifier.position())
      const rooms = new Set<RoomId>()
      const newRooms = new Set<RoomId>()
      for (const [roomId, { membership, joinedAt }] of await graph.memberships(requester.userId)) {
        if (membership !== 'join') continue
        rooms.add(roomId)
        if (joinedAt > after) newRooms.add(roomId)
      }
      const { changed, left } = await changes({ userId: requester.userId, rooms, newRooms }, after, upTo)
      return { body: { changed, left } }
    },
  })
}

function readToken(query: URLSearchParams, name: string): number {
  const text = query.get(name)
  if (text === null) throw missingParam(`${name} is missing`)
  return decodeToken(text).position
}
