import { canonicalJson } from '../../core/canonical-json.ts'
import { type DeviceId, serverNameOf, type UserId } from '../../core/ids.ts'
import type { Home } from '../../home.ts'
import { deviceListChange } from '../../people/device-changes.ts'
import type { Tools } from '../../slice.ts'
import { guard, type Part, type Write, write } from '../../storage/database.ts'
import {
  type CrossSigningRow,
  deleteCrossSigningKey,
  deleteCrossSigningKeysOfUser,
  deleteSignaturesOn,
  selectCrossSigningKeys,
} from '../cross-signing.store.ts'
import type { CrossSigningKey } from '../cross-signing.ts'
import { deleteDeviceKeys, selectDeviceKeysOfUsers } from '../keys.store.ts'
import { isShared, isSharedSince } from '../servers-sharing.ts'
import type { AskServer } from './ask-server.ts'
import { type RemoteList, readDeviceList } from './read-answers.ts'
import {
  deleteDevicesOfUser,
  deleteList,
  insertList,
  type ListRow,
  selectList,
  selectLists,
  selectSameList,
  updateFailed,
  updateFetched,
  updateRetry,
  updateStale,
  upsertRemoteDevice,
  upsertRemoteKey,
} from './remote-lists.store.ts'

type Needs = {
  readonly home: Pick<Home, 'database' | 'notifier' | 'clock' | 'serverName'>
  readonly graph: Tools['graph']
  readonly askServer: AskServer
}

/** How asking for a list ended: it is kept as it is now, its server would not say, or the server did not answer. */
export type Refreshed = 'fresh' | 'refused' | 'silent'

/** The device lists of users of other servers that are kept here, while one of this server's users shares a room with them. */
export type RemoteLists = {
  /** Those of these users whose lists are kept, and are as their servers told last. */
  readonly fresh: (userIds: readonly UserId[]) => Promise<Set<UserId>>
  readonly isShared: (userId: UserId) => Promise<boolean>
  /** Asks for a whole list and keeps it; those who ask at the same time wait for the same answer. */
  readonly refresh: (userId: UserId, timeoutMs: number) => Promise<Refreshed>
  /** Has these lists fetched before long. */
  readonly fetchLater: (userIds: readonly UserId[]) => Promise<void>
  /** Something of this list was missed: it is asked for again, and whoever shares a room hears what became of it. `seenId` names what came instead. */
  readonly missed: (row: Pick<ListRow, 'user_id' | 'stream_id'>, seenId: number | undefined) => Promise<void>
  /** There is news of a list that is not kept: whoever shares a room has to look again. */
  readonly hasNews: (userId: UserId) => Promise<void>
  /** Lets go of a list. */
  readonly drop: (userId: UserId) => Promise<void>
  /** Called when lists wait to be fetched. */
  readonly onMissed: (listener: () => void) => void
}

/** The log kind of a list that was not kept before: nobody has to look again, and whatever was kept in memory of it is void. */
export const listKept = 'remote_device_list'

const largestList = 4 * 1024 * 1024
const tries = 3
const firstRest = 30_000
/** While there is news all the time. */
const restWhileTold = 2000
const longestRest = 6 * 60 * 60_000

export function createRemoteLists(needs: Needs): RemoteLists {
  const { database, notifier, clock } = needs.home
  const running = new Map<UserId, Promise<Refreshed>>()
  let tell = () => {}

  return {
    fresh: async (userIds) => {
      const rows = userIds.length === 0 ? [] : await database.select(selectLists, userIds)
      const found = new Set<UserId>()
      for (const { user_id, stale, shared_at } of rows) {
        const userId = user_id as UserId
        if (stale === 0 && (await isSharedSince(needs, userId, shared_at))) found.add(userId)
      }
      return found
    },
    isShared: (userId) => isShared(needs, userId),
    refresh: (userId, timeoutMs) => {
      const before = running.get(userId)
      if (before !== undefined) return before
      const asked = refresh(needs, userId, timeoutMs).finally(() => running.delete(userId))
      running.set(userId, asked)
      return asked
    },
    fetchLater: async (userIds) => {
      const now = clock.now()
      await database.commit({ writes: userIds.map((userId) => write(insertList, userId, notifier.position(), now)) })
      tell()
    },
    missed: async ({ user_id: userId, stream_id: streamId }, seenId) => {
      const stale = write(updateStale, clock.now(), seenId ?? null, userId)
      // With nothing kept there is nothing to compare with later.
      const change = streamId === null ? deviceListChange(userId as UserId, 0) : undefined
      await database.commit(change ? { writes: [stale, change.write], log: [change.log] } : { writes: [stale] })
      tell()
    },
    hasNews: async (userId) => {
      const change = deviceListChange(userId, 0)
      await database.commit({ writes: [change.write], log: [change.log] })
    },
    drop: async (userId) => {
      const change = deviceListChange(userId, 0)
      const all = [deleteList, deleteDevicesOfUser, deleteCrossSigningKeysOfUser].map((one) => write(one, userId))
      await database.commit({ writes: [...all, change.write], log: [change.log] })
    },
    onMissed: (listener) => {
      tell = listener
    },
  }
}

async function refresh({ home, askServer }: Needs, userId: UserId, timeoutMs: number): Promise<Refreshed> {
  const { database, notifier, clock } = home
  for (let left = tries; left > 0; left--) {
    const sharedAt = notifier.position()
    await database.commit({ writes: [write(insertList, userId, sharedAt, clock.now())] })
    const row = await database.selectOne(selectList, userId)
    if (row === undefined) continue
    const path = `/devices/${encodeURIComponent(userId)}`
    const heard = await askServer.ask(serverNameOf(userId), { method: 'GET', path, limit: largestList, timeoutMs })
    const list = heard.ok ? await readDeviceList(heard.body, userId) : undefined
    if (list === undefined) {
      await database.commit({ writes: [write(updateFailed, clock.now() + restAfter(row.failures), userId)] })
      return !heard.ok && heard.silent ? 'silent' : 'refused'
    }
    if ((await database.commit(await replace(database, row, list, sharedAt))).ok) return 'fresh'
  }
  await database.commit({ writes: [write(updateRetry, clock.now() + restWhileTold, [userId])] })
  return 'refused'
}

function restAfter(failures: number): number {
  return Math.min(firstRest * 2 ** Math.min(failures, 20), longestRest)
}

/** Puts a list in the place of what was kept, unless news of it came while it was asked for. Who shares a room hears of what is different. */
async function replace(database: Home['database'], row: ListRow, list: RemoteList, sharedAt: number): Promise<Part> {
  const userId = row.user_id as UserId
  const [devices, keys] = await Promise.all([
    database.select(selectDeviceKeysOfUsers, [userId]),
    database.select(selectCrossSigningKeys, [userId]),
  ])
  const writes = [...changedDevices(userId, devices, list), ...changedKeys(userId, keys, list.keys, 'all')]
  // Who asked for a list that was not kept has it from this answer; it is no change to the others.
  const change = writes.length > 0 && row.stream_id !== null ? deviceListChange(userId, 0) : undefined
  return {
    guards: [guard('list', 'row', selectSameList, userId, row.stream_id ?? -1, row.stale)],
    writes: [...writes, write(updateFetched, list.streamId, sharedAt, userId), ...(change ? [change.write] : [])],
    log: change ? [change.log] : [{ kind: listKept, key: userId }],
  }
}

function changedDevices(userId: UserId, stored: readonly { device_id: DeviceId; content: string }[], { devices }: RemoteList): Write[] {
  const before = new Map(stored.map(({ device_id, content }) => [device_id, content]))
  const gone = [...before.keys()].filter((deviceId) => !devices.has(deviceId))
  const changed = [...devices].filter(([deviceId, content]) => before.get(deviceId) !== content)
  return [
    ...gone.map((deviceId) => write(deleteDeviceKeys, userId, deviceId)),
    ...changed.map(([deviceId, content]) => write(upsertRemoteDevice, userId, deviceId, content)),
  ]
}

/** What puts a user's cross-signing keys in the place of those that were kept; `all`: what is not among them is gone. */
export function changedKeys(
  userId: UserId,
  stored: readonly CrossSigningRow[],
  keys: readonly CrossSigningKey[],
  which: 'all' | 'these',
): Write[] {
  const writes: Write[] = []
  for (const { usage, publicKey, content } of keys) {
    const text = canonicalJson(content)
    const before = stored.find((row) => row.usage === usage)
    if (before?.content === text) continue
    if (before !== undefined && before.public_key !== publicKey) writes.push(write(deleteSignaturesOn, userId, before.public_key))
    writes.push(write(upsertRemoteKey, userId, usage, publicKey, text))
  }
  const gone = which === 'all' ? stored.filter((row) => !keys.some(({ usage }) => usage === row.usage)) : []
  return [...writes, ...gone.map(({ usage }) => write(deleteCrossSigningKey, userId, usage))]
}
