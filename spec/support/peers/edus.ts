import type { Edu } from '../../../server/core/edu.ts'
import type { ServerName } from '../../../server/core/ids.ts'
import type { JsonObject } from '../../../server/core/json.ts'
import { keys } from '../../../server/keys/index.ts'
import type { Slice } from '../../../server/slice.ts'
import { toDevice } from '../../../server/to-device/index.ts'
import type { TestServer } from '../server.ts'

/** What slices say to other servers and hear from them, without the way in between. */
export type Edus = {
  /** An EDU comes from a server. */
  readonly receive: (origin: ServerName, type: string, content: JsonObject) => Promise<void>
  /** What a server is told of all that happened after a position, in order. */
  readonly told: (server: ServerName, after: number) => Promise<Edu[]>
  readonly position: () => number
}

export function edusOf({ server }: TestServer): Edus {
  const { home } = server
  const slices: Slice[] = [keys(server), toDevice(server)]
  const receivers = slices.flatMap(({ edus = [] }) => edus)
  const broadcasts = slices.flatMap(({ broadcasts = [] }) => broadcasts)
  return {
    receive: async (origin, type, content) => {
      for (const one of receivers) if (one.type === type) await one.receive(content, origin)
    },
    told: async (to, after) => {
      const rows = await home.notifier.rows(after, home.notifier.position(), 10_000)
      const told: Edu[] = []
      for (const { kinds, between } of broadcasts) {
        for (const { edu, servers } of await between(rows.filter(({ kind }) => kinds.includes(kind)))) {
          if ([...servers].includes(to)) told.push(edu)
        }
      }
      return told
    },
    position: () => home.notifier.position(),
  }
}
