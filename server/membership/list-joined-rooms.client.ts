import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Tools } from '../slice.ts'

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms */
export function listJoinedRooms({ graph }: Tools): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/_matrix/client/v3/joined_rooms',
      operationId: 'getJoinedRooms',
      auth: 'access_token',
      body: 'none',
      handle: async ({ requester }) => {
        const joined: string[] = []
        for (const [roomId, { membership }] of await graph.memberships(requester.userId)) if (membership === 'join') joined.push(roomId)
        return { body: { joined_rooms: joined } }
      },
    }),
  ]
}
