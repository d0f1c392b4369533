import type { DeviceListEdu, Edu, SigningKeyEdu } from '../core/edu.ts'
import type { DeviceId, ServerName, UserId } from '../core/ids.ts'
import { wholeKind } from '../graph/partial/complete-room.ts'
import type { Home } from '../home.ts'
import { crossSigning, type DeviceUpdate, deviceUpdatesAt, lastDeviceUpdates } from '../people/device-changes.ts'
import type { People } from '../people/people.ts'
import type { Broadcast, Told, Tools } from '../slice.ts'
import type { Logged } from '../storage/database.ts'
import { crossSigningKeys, type PublicKeys, selectPublicKeys, toldDevice } from './public-keys.ts'
import { type NewlyShared, newlyShared, serversSharing } from './servers-sharing.ts'

/**
 * Tells other servers of the devices and the cross-signing keys of this server's users: those that share a room with a user of each change, and those
 * that newly share one of the last change, so that they ask for the rest. Positions are the stream ids; what is told is how things are by then.
 * https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export function deviceUpdates(tools: Tools): Broadcast {
  return {
    kinds: ['device_list', 'membership', 'event', wholeKind],
    between: async (rows) => [...(await toldChanges(tools, rows)), ...(await toldNewcomers(tools, rows))],
  }
}

async function toldChanges(tools: Tools, rows: readonly Logged[]): Promise<Told[]> {
  const positions = rows.filter(({ kind }) => kind === 'device_list').map(({ position }) => position)
  const updates = await deviceUpdatesAt(tools.home.database, positions)
  const serversOf = new Map<UserId, ReadonlySet<ServerName>>()
  for (const { userId } of updates) if (!serversOf.has(userId)) serversOf.set(userId, await serversSharing(tools, userId))
  const shared = updates.filter(({ userId }) => serversOf.get(userId)!.size > 0)
  return edusOf(tools, shared).then((edus) =>
    edus.flatMap((edu, at) => (edu === undefined ? [] : [{ edu, servers: serversOf.get(shared[at]!.userId)!, ...keyOf(edu) }])),
  )
}

async function toldNewcomers(tools: Tools, rows: readonly Logged[]): Promise<Told[]> {
  const shared = await newlyShared(tools, rows)
  if (shared.length === 0) return []
  const last = await lastDeviceUpdates(tools.home.database, [...new Set(shared.map(({ userId }) => userId))])
  // It follows itself: no news to whoever knows it, and nothing that another may think to have missed the part before of.
  const updates = last.map((update) => ({ ...update, previous: update.position }))
  const edus = await edusOf(tools, updates)
  const eduOf = new Map(updates.map(({ userId }, at) => [userId, edus[at]]))
  return shared.flatMap(({ userId, servers }: NewlyShared) => {
    const edu = eduOf.get(userId)
    return edu === undefined ? [] : [{ edu, servers, ...keyOf(edu) }]
  })
}

/** Of what waits for a server that is away the last is enough: keys are told as they are, and of devices it asks for all. */
function keyOf({ edu_type: type, content }: Edu): Pick<Told, 'key' | 'gapIsSeen'> {
  return { key: `${type} ${content['user_id']}`, gapIsSeen: type === 'm.device_list_update' }
}

type Reading = { readonly home: Pick<Home, 'database' | 'config' | 'serverName'>; readonly people: Pick<People, 'devicesOf'> }

/** What there is to tell of each change; undefined where nothing is left of it. */
async function edusOf({ home, people }: Reading, updates: readonly DeviceUpdate[]): Promise<(Edu | undefined)[]> {
  const users = [...new Set(updates.map(({ userId }) => userId))]
  if (users.length === 0) return []
  const [all, devices] = await Promise.all([selectPublicKeys({ home, people }, users), people.devicesOf(users)])
  const keysOf = new Map(all.map((keys) => [keys.userId, keys]))
  const named = home.config.federation.tell_device_names
  return updates.map((update) => {
    const keys = keysOf.get(update.userId)!
    if (update.deviceId === crossSigning) return signingKeyEdu(keys)
    const isThere = devices.get(update.userId)?.some(({ deviceId }) => deviceId === update.deviceId) === true
    return deviceListEdu(update, isThere ? toldDevice(keys, update.deviceId, named) : { deleted: true })
  })
}

function deviceListEdu(
  { userId, deviceId, position, previous }: DeviceUpdate & { readonly deviceId: DeviceId },
  device: Partial<DeviceListEdu['content']>,
): DeviceListEdu {
  const prevId = previous === undefined ? [] : [previous]
  return {
    edu_type: 'm.device_list_update',
    content: { user_id: userId, device_id: deviceId, stream_id: position, prev_id: prevId, ...device },
  }
}

function signingKeyEdu(keys: PublicKeys): SigningKeyEdu | undefined {
  if (keys.crossSigning.size === 0) return undefined
  return { edu_type: 'm.signing_key_update', content: { user_id: keys.userId, ...crossSigningKeys(keys) } }
}
