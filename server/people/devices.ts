import type { DeviceId, UserId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Home } from '../home.ts'
import { type Write, write } from '../storage/database.ts'
import { deviceListChanges } from './device-changes.ts'
import {
  type DeviceRow,
  deleteDehydratedDevices,
  deleteDevices,
  insertDevice,
  selectDehydratedDevice,
  selectDevice,
  selectDevices,
  selectDevicesOfUsers,
  updateDeviceName,
  updateLastSeen,
  upsertDehydratedDevice,
} from './devices.store.ts'
import type { Device } from './people.ts'
import { deleteAccessTokensOfDevices, deleteRefreshTokensOfDevices, deleteSessionsOfDevices } from './sessions.store.ts'

type Tools = Pick<Home, 'database' | 'clock'>

export async function listDevices(home: Tools, userId: UserId): Promise<Device[]> {
  return (await home.database.select(selectDevices, userId)).map(deviceOf)
}

/** The devices of many users at once; each of the users is in the map. */
export async function listDevicesOf({ database }: Pick<Home, 'database'>, userIds: readonly UserId[]): Promise<Map<UserId, Device[]>> {
  const devices = new Map<UserId, Device[]>(userIds.map((userId) => [userId, []]))
  for (const row of await database.select(selectDevicesOfUsers, userIds)) devices.get(row.user_id)?.push(deviceOf(row))
  return devices
}

export async function findDevice(home: Tools, userId: UserId, deviceId: DeviceId): Promise<Device | undefined> {
  const row = await home.database.selectOne(selectDevice, userId, deviceId)
  return row && deviceOf(row)
}

/** Makes a device or gives it another name; `made` tells which. */
export async function putDevice(
  home: Tools,
  userId: UserId,
  deviceId: DeviceId,
  displayName: string | undefined,
): Promise<{ made: boolean }> {
  const known = await home.database.selectOne(selectDevice, userId, deviceId)
  if (known && (displayName === undefined || displayName === known.display_name)) return { made: false }
  const writes = [write(insertDevice, userId, deviceId, displayName ?? null, home.clock.now())]
  if (displayName !== undefined) writes.push(write(updateDeviceName, displayName, userId, deviceId))
  const change = deviceListChanges(userId, 0, [deviceId])
  await home.database.commit({ writes: [...writes, ...change.writes], log: change.log })
  return { made: known === undefined }
}

/** The device of a user that collects messages without a session. */
export async function findDehydratedDevice(
  { database }: Pick<Home, 'database'>,
  userId: UserId,
): Promise<{ deviceId: DeviceId; data: JsonObject } | undefined> {
  const row = await database.selectOne(selectDehydratedDevice, userId)
  return row && { deviceId: row.device_id, data: JSON.parse(row.device_data) }
}

export async function setDehydratedDevice(
  { database }: Pick<Home, 'database'>,
  userId: UserId,
  deviceId: DeviceId,
  data: JsonObject,
): Promise<void> {
  await database.commit({ writes: [write(upsertDehydratedDevice, userId, deviceId, JSON.stringify(data))] })
}

/** What ends the sessions of devices; the devices stay. */
export function endingSessionsOf(userId: UserId, deviceIds: readonly DeviceId[]): Write[] {
  return [
    write(deleteAccessTokensOfDevices, userId, deviceIds),
    write(deleteRefreshTokensOfDevices, userId, deviceIds),
    write(deleteSessionsOfDevices, userId, deviceIds),
  ]
}

/** What removes devices with their sessions. */
export function removingDevices(userId: UserId, deviceIds: readonly DeviceId[]): Write[] {
  return [
    ...endingSessionsOf(userId, deviceIds),
    write(deleteDevices, userId, deviceIds),
    write(deleteDehydratedDevices, userId, deviceIds),
  ]
}

/** Notes when and from where a device was last heard of; at most one write in ten minutes for each, unless its address changes. */
export function lastSeenNotes(home: Pick<Home, 'database' | 'clock' | 'log'>): (userId: UserId, deviceId: DeviceId, ip: string) => void {
  const noted = new Map<string, { at: number; ip: string }>()
  return (userId, deviceId, ip) => {
    const now = home.clock.now()
    const key = `${userId} ${deviceId}`
    const last = noted.get(key)
    if (last && now - last.at < (last.ip === ip ? 600_000 : 60_000)) return
    if (noted.size > 100_000) noted.clear()
    noted.set(key, { at: now, ip })
    const failed = (error: unknown) => home.log.warn('a device could not be noted as seen', { error: String(error) })
    home.database.commit({ writes: [write(updateLastSeen, ip, now, userId, deviceId)] }).catch(failed)
  }
}

function deviceOf(row: DeviceRow): Device {
  return {
    deviceId: row.device_id,
    displayName: row.display_name ?? undefined,
    lastSeenIp: row.last_seen_ip ?? undefined,
    lastSeenAt: row.last_seen_at ?? undefined,
  }
}
