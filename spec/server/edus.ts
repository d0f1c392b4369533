import type { RoomId, ServerName, UserId } from '../../server/core/ids.ts'
import type { JsonObject } from '../../server/core/json.ts'
import type { Slice, Told, Tools } from '../../server/slice.ts'
import type { TestServer } from '../support/server.ts'

/** The part of a server that speaks with others in EDUs, without a server at the other end. */
export type Speaking = {
  readonly receive: (type: string, content: JsonObject, origin: ServerName) => Promise<void>
  /** What other servers were to be told since it was asked last, each with its servers in order. */
  readonly told: () => Promise<{ type: string; content: JsonObject; servers: ServerName[]; key: string | undefined }[]>
}

/** Speaks as one slice of a server does. */
export function speakAs({ server }: TestServer, slice: (tools: Tools) => Slice): Speaking {
  const { home } = server
  const { edus = [], broadcasts = [] } = slice(server)
  let after = home.notifier.position()
  return {
    receive: async (type, content, origin) => {
      for (const edu of edus) if (edu.type === type) await edu.receive(content, origin)
    },
    told: async () => {
      const upTo = home.notifier.position()
      const rows = await home.notifier.rows(after, upTo, 1000)
      after = upTo
      const told: Told[] = []
      for (const { kinds, between } of broadcasts) {
        const wanted = rows.filter(({ kind }) => kinds.includes(kind))
        if (wanted.length > 0) told.push(...(await between(wanted)))
      }
      return told.map(({ edu, servers, key }) => ({ type: edu.edu_type, content: edu.content, servers: [...servers].sort(), key }))
    },
  }
}

/** Has a user of another server join a room, or be something else there. */
export async function putMember({ server }: TestServer, roomId: RoomId, userId: UserId, membership = 'join'): Promise<void> {
  await server.graph.append(roomId, [{ type: 'm.room.member', stateKey: userId, sender: userId, content: { membership } }])
}
