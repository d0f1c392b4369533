import { type DeviceId, isUserId, type ServerName, serverNameOf, type UserId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { isPlainText } from '../../core/plain-text.ts'
import type { Home } from '../../home.ts'
import { deviceListChange } from '../../people/device-changes.ts'
import type { EduReceiver } from '../../slice.ts'
import { guard, type Part, type Write, write } from '../../storage/database.ts'
import { selectCrossSigningKeys } from '../cross-signing.store.ts'
import { deleteDeviceKeys, selectDeviceKeysOfUsers } from '../keys.store.ts'
import type { AskServer } from './ask-server.ts'
import { isStreamId, mostDevices, remoteDevice, remoteKeys } from './read-answers.ts'
import { type ListRow, selectList, selectSameList, updateStreamId, upsertRemoteDevice } from './remote-lists.store.ts'
import { changedKeys, type RemoteLists } from './remote-lists.ts'

type Needs = { readonly home: Pick<Home, 'database'>; readonly lists: RemoteLists; readonly askServer: Pick<AskServer, 'isBack'> }

type Update = {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly streamId: number
  readonly previous: readonly number[]
  /** The keys as they are to be kept; undefined for a device that is gone, or has none that can be believed. */
  readonly content: string | undefined
}

const tries = 5
const mostPrevious = 100

/** Takes what other servers tell of their users' devices and cross-signing keys. https://spec.matrix.org/v1.19/server-server-api/#device-management */
export function deviceListReceivers(needs: Needs): EduReceiver[] {
  const signingKeys = (content: JsonObject, origin: ServerName) => receiveSigningKeys(needs, content, origin)
  return [
    { type: 'm.device_list_update', receive: (content, origin) => receiveUpdate(needs, content, origin) },
    { type: 'm.signing_key_update', receive: signingKeys },
    // Its name before it was in the specification.
    { type: 'org.matrix.signing_key_update', receive: signingKeys },
  ]
}

/**
 * "If a server receives an EDU which refers to a `prev_id` it does not recognise, it must resynchronise its list." One that refers to nothing is the
 * first, or follows something that was never told.
 */
async function receiveUpdate(needs: Needs, content: JsonObject, origin: ServerName): Promise<void> {
  const { database } = needs.home
  const update = readUpdate(content, origin)
  if (update === undefined) return
  const { userId, streamId, previous } = update
  const isTaken = await retry(async () => {
    // One that follows itself says where its user stands, and is no news: a server is told so that has newly come to share a room.
    const row = await keptList(needs, userId, !previous.includes(streamId))
    if (row === undefined || isKnown(row, streamId)) return true
    const follows = row.stale === 0 && previous.length > 0 && previous.every((one) => isKnown(row, one))
    if (!follows) {
      await needs.lists.missed(row, streamId)
      return true
    }
    const writes = await deviceWrites(database, update)
    if (writes === undefined) return true
    return (await database.commit(changing(row, writes, [write(updateStreamId, streamId, streamId, userId)]))).ok
  })
  if (!isTaken) await needs.lists.missed({ user_id: userId, stream_id: null }, streamId)
}

/** Some servers count in a sequence of their own when they give the whole list: what they told of last is as good. */
function isKnown({ stream_id, seen_id }: ListRow, streamId: number): boolean {
  return streamId === stream_id || streamId === seen_id
}

async function receiveSigningKeys(needs: Needs, content: JsonObject, origin: ServerName): Promise<void> {
  const { database } = needs.home
  const { user_id: userId, master_key: master, self_signing_key: selfSigning } = content
  if (!isUserId(userId) || serverNameOf(userId) !== origin) return
  const isTaken = await retry(async () => {
    const row = await keptList(needs, userId, true)
    if (row === undefined) return true
    if (row.stale > 0) {
      await needs.lists.missed(row, undefined)
      return true
    }
    const stored = await database.select(selectCrossSigningKeys, [userId])
    const knownMaster = stored.find(({ usage }) => usage === 'master')?.public_key
    const writes = changedKeys(userId, stored, remoteKeys(userId, master, selfSigning, knownMaster), 'these')
    return writes.length === 0 || (await database.commit(changing(row, writes, []))).ok
  })
  if (!isTaken) await needs.lists.missed({ user_id: userId, stream_id: null }, undefined)
}

function readUpdate(content: JsonObject, origin: ServerName): Update | undefined {
  const { user_id: userId, device_id: deviceId, stream_id: streamId, prev_id: previous = [], deleted, keys } = content
  if (!isUserId(userId) || serverNameOf(userId) !== origin || !isPlainText(deviceId) || !isStreamId(streamId)) return undefined
  if (!Array.isArray(previous) || previous.length > mostPrevious || !previous.every((one) => isStreamId(one))) return undefined
  const isGone = deleted === true || keys === undefined
  const text = isGone ? undefined : remoteDevice(keys, userId, deviceId, content['device_display_name'])
  return { userId, deviceId, streamId, previous, content: text }
}

/** The list of a user as it is kept. Where none is, those who share a room are told to look again, if it is news; where nobody does, it is let go of. */
async function keptList({ home, lists, askServer }: Needs, userId: UserId, isNews: boolean): Promise<ListRow | undefined> {
  askServer.isBack(serverNameOf(userId))
  const [row, isShared] = [await home.database.selectOne(selectList, userId), await lists.isShared(userId)]
  if (row !== undefined && isShared) return row
  if (row !== undefined) await lists.drop(userId)
  else if (isShared && isNews) await lists.hasNews(userId)
  return undefined
}

/** Undefined when the user has too many devices to keep one more. */
async function deviceWrites(database: Home['database'], { userId, deviceId, content }: Update): Promise<Write[] | undefined> {
  const stored = await database.select(selectDeviceKeysOfUsers, [userId])
  const before = stored.find(({ device_id }) => device_id === deviceId)?.content
  if (before === content) return []
  if (content === undefined) return [write(deleteDeviceKeys, userId, deviceId)]
  if (before === undefined && stored.length >= mostDevices) return undefined
  return [write(upsertRemoteDevice, userId, deviceId, content)]
}

/** Changes a list as it was read; who shares a room hears of it when there is a change. */
function changing(row: ListRow, writes: readonly Write[], notes: readonly Write[]): Part {
  const change = writes.length > 0 ? deviceListChange(row.user_id as UserId, 0) : undefined
  return {
    guards: [guard('list', 'row', selectSameList, row.user_id, row.stream_id ?? -1, row.stale)],
    writes: [...writes, ...notes, ...(change ? [change.write] : [])],
    log: change ? [change.log] : [],
  }
}

/** False where a list was changed by others each time. */
async function retry(attempt: () => Promise<boolean>): Promise<boolean> {
  for (let left = tries; left > 0; left--) if (await attempt()) return true
  return false
}
