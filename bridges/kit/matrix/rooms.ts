import type { MatrixClient } from './client.ts'
import { MatrixRequestError } from './side.ts'

/** What the bot does in rooms beside speaking. Every call may be repeated. */
export type RoomActions = {
  /** The bot invites somebody. */
  invite(userId: string, roomId: string): Promise<void>
  isEncrypted(roomId: string): Promise<boolean>
  /** What a room is called; undefined when it has no name. */
  name(roomId: string): Promise<string | undefined>
  /** How one of ours is called in this room alone. */
  setName(userId: string, roomId: string, name: string): Promise<void>
}

const room = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`

/** The actions over the client-server API. */
export function createRoomActions(client: MatrixClient): RoomActions {
  return {
    async invite(userId, roomId) {
      await client.call({ method: 'POST', path: `${room(roomId)}/invite`, body: { user_id: userId } })
    },
    isEncrypted: async (roomId) => (await state(client, roomId, 'm.room.encryption')) !== undefined,
    async name(roomId) {
      const name = (await state(client, roomId, 'm.room.name'))?.['name']
      return typeof name === 'string' ? name : undefined
    },
    async setName(userId, roomId, name) {
      const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`
      await client.call({ method: 'PUT', path, userId, body: { membership: 'join', displayname: name } })
    },
  }
}

async function state(client: MatrixClient, roomId: string, type: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return await client.call({ method: 'GET', path: `${room(roomId)}/state/${type}/` })
  } catch (error) {
    if (error instanceof MatrixRequestError && error.status === 404) return undefined
    throw error
  }
}
