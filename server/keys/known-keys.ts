import type { UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { lastDeviceChanges } from '../people/device-changes.ts'
import type { People } from '../people/people.ts'
import { type PublicKeys, selectPublicKeys } from './public-keys.ts'
import { listKept } from './remote/remote-lists.ts'

type Tools = { readonly home: Pick<Home, 'database' | 'notifier' | 'serverName'>; readonly people: Pick<People, 'devicesOf'> }
type Entry = { readonly changedAt: number; readonly read: Promise<void>; keys: PublicKeys | undefined }

/** Reads the keys of users, in their order. */
export type KnownKeys = (userIds: readonly UserId[]) => Promise<PublicKeys[]>

/**
 * Keeps what was read of users' keys in memory, `most` characters at most, until the log says that their devices changed. Whatever changes what
 * is kept here writes such a row (`deviceListChange`). Where other processes write too, the disk is asked each time whether it did, since a client
 * may have heard of a change from a process that is ahead of this one.
 */
export function knownKeys(tools: Tools, most = 16 << 20): KnownKeys {
  const { database, notifier } = tools.home
  const known = new Map<UserId, Entry>()
  let total = 0

  function drop(userId: UserId): void {
    total -= known.get(userId)?.keys?.size ?? 0
    known.delete(userId)
  }

  function keep(entry: Entry, keys: PublicKeys): void {
    entry.keys = keys
    if (known.get(keys.userId) === entry) total += keys.size
  }

  function read(userIds: readonly UserId[], changes: ReadonlyMap<string, number> | undefined): void {
    const entries: Entry[] = []
    const reading = selectPublicKeys(tools, userIds).then(
      (all) => {
        for (const [at, keys] of all.entries()) keep(entries[at]!, keys)
        while (total > most && known.size > 0) drop(known.keys().next().value!)
      },
      (error: unknown) => {
        for (const [at, userId] of userIds.entries()) if (known.get(userId) === entries[at]) drop(userId)
        throw error
      },
    )
    for (const userId of userIds) {
      drop(userId)
      const entry: Entry = { changedAt: changes?.get(userId) ?? 0, read: reading, keys: undefined }
      entries.push(entry)
      known.set(userId, entry)
    }
  }

  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) if (kind === 'device_list' || kind === listKept) drop(key as UserId)
  })
  return async (userIds) => {
    const changes = database.shared ? await lastDeviceChanges(database, userIds) : undefined
    const isKnown = (userId: UserId) => {
      const entry = known.get(userId)
      return entry !== undefined && (changes === undefined || entry.changedAt === (changes.get(userId) ?? 0))
    }
    const missing = userIds.filter((userId) => !isKnown(userId))
    if (missing.length > 0) read(missing, changes)
    const entries = userIds.map((userId) => known.get(userId)!)
    await Promise.all(new Set(entries.filter(({ keys }) => keys === undefined).map((entry) => entry.read)))
    return entries.map(({ keys }) => keys!)
  }
}
