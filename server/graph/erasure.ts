import type { UserId } from '../core/ids.ts'
import type { Pdu } from '../core/pdu.ts'
import { redact } from '../core/redaction.ts'
import type { Home } from '../home.ts'
import { write } from '../storage/database.ts'
import { insertErasedUser, selectErasedUsers } from './erasure.store.ts'
import type { Graph, Seen } from './graph.ts'
import type { Rooms } from './rooms.ts'

export type Erasure = Pick<Graph, 'erase'> & {
  /** The events as somebody is served them: redacted, where their sender asked for erasure and the reader was not in the room then. */
  readonly erased: (seen: Seen[]) => Promise<Seen[]>
  readonly isErased: (userId: UserId) => Promise<boolean>
}

/**
 * Those whose events are served redacted to whoever joins after them. They are few, and kept in memory.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export function createErasure({ database, notifier, rooms }: Pick<Home, 'database' | 'notifier'> & { rooms: Rooms }): Erasure {
  const users = new Set<UserId>()
  let read: Promise<void> | undefined
  const redacted = new WeakMap<Pdu, Pdu>()
  notifier.beforeAdvance((rows) => {
    for (const { kind, key } of rows) if (kind === 'erased') users.add(key as UserId)
  })

  function readOnce(): Promise<void> {
    read ??= database.select(selectErasedUsers).then((rows) => rows.forEach((row) => void users.add(row.user_id)))
    return read
  }

  async function redactedOf(one: Seen): Promise<Seen> {
    const room = await rooms.load(one.event.roomId)
    if (room === undefined) return one
    const pdu = redacted.get(one.event.pdu) ?? redact(one.event.pdu, room.rules)
    redacted.set(one.event.pdu, pdu)
    return { ...one, event: { ...one.event, pdu, replacedContent: undefined } }
  }

  return {
    erase: async (userId) => {
      await database.commit({ writes: [write(insertErasedUser, userId)], log: [{ kind: 'erased', key: userId }] })
      users.add(userId)
    },
    erased: async (seen) => {
      await readOnce()
      if (users.size === 0) return seen
      const isErased = ({ event, membership }: Seen) => membership !== 'join' && users.has(event.pdu.sender)
      return seen.some(isErased) ? Promise.all(seen.map((one) => (isErased(one) ? redactedOf(one) : one))) : seen
    },
    isErased: async (userId) => {
      await readOnce()
      return users.has(userId)
    },
  }
}
