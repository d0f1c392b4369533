import { isRoomId, type RoomId, type UserId } from '../core/ids.ts'
import { isJsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { accountDataOfType, readAccountData } from '../people/account-data.ts'

/** What a user's account data says of rooms, in memory until it changes. */
export type AccountFacts = {
  /** The rooms that the user takes for direct chats. https://spec.matrix.org/v1.19/client-server-api/#mdirect */
  readonly dms: (userId: UserId) => Promise<ReadonlySet<RoomId>>
  /** https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
  readonly tags: (userId: UserId) => Promise<ReadonlyMap<RoomId, ReadonlySet<string>>>
}

const mostUsers = 20_000

export function createAccountFacts({ database, notifier }: Pick<Home, 'database' | 'notifier'>): AccountFacts {
  const dms = new Map<UserId, Promise<ReadonlySet<RoomId>>>()
  const tags = new Map<UserId, Promise<ReadonlyMap<RoomId, ReadonlySet<string>>>>()
  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) {
      if (kind !== 'account_data') continue
      dms.delete(key as UserId)
      tags.delete(key as UserId)
    }
  })
  return {
    dms: (userId) => kept(dms, userId, async () => roomsIn((await readAccountData(database, userId, undefined, 'm.direct')) ?? {})),
    tags: (userId) =>
      kept(tags, userId, async () => {
        const byRoom = new Map<RoomId, ReadonlySet<string>>()
        for (const { roomId, content } of await accountDataOfType(database, userId, 'm.tag')) {
          const own = content['tags']
          if (roomId !== undefined && isJsonObject(own)) byRoom.set(roomId, new Set(Object.keys(own)))
        }
        return byRoom
      }),
  }
}

/** Asks once at a time, and not again while what was answered holds. */
function kept<T>(known: Map<UserId, Promise<T>>, userId: UserId, ask: () => Promise<T>): Promise<T> {
  const answer = known.get(userId)
  if (answer !== undefined) return answer
  if (known.size >= mostUsers) known.clear()
  const asked = ask()
  known.set(userId, asked)
  asked.catch(() => known.delete(userId))
  return asked
}

function roomsIn(direct: Readonly<Record<string, unknown>>): Set<RoomId> {
  const rooms = new Set<RoomId>()
  for (const list of Object.values(direct)) if (Array.isArray(list)) for (const roomId of list) if (isRoomId(roomId)) rooms.add(roomId)
  return rooms
}
