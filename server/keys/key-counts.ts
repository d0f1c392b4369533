import type { DeviceId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { selectFallbackKeys, selectKeyCounts } from './keys.store.ts'

/** How many one-time keys of each algorithm a device has left, and the algorithms of its fallback keys that were not given out. */
export type KeyCounts = { readonly counts: Readonly<Record<string, number>>; readonly unusedFallbackTypes: readonly string[] }

const mostUsers = 10_000

/** Reads key counts: asked with every answer of `/sync`, so they stay in memory until the user's keys change. */
export function keyCounts({
  database,
  notifier,
}: Pick<Home, 'database' | 'notifier'>): (userId: UserId, deviceId: DeviceId) => Promise<KeyCounts> {
  const known = new Map<string, Map<DeviceId, Promise<KeyCounts>>>()
  notifier.onAdvance((_, rows) => {
    for (const { kind, key } of rows) if (kind === 'one_time_keys') known.delete(key)
  })
  return (userId, deviceId) => {
    const devices = known.get(userId) ?? new Map<DeviceId, Promise<KeyCounts>>()
    const remembered = devices.get(deviceId)
    if (remembered !== undefined) return remembered
    const counts = readCounts(database, userId, deviceId)
    devices.set(deviceId, counts)
    counts.catch(() => devices.delete(deviceId))
    known.set(userId, devices)
    if (known.size > mostUsers) known.delete(known.keys().next().value!)
    return counts
  }
}

/** `signed_curve25519` is always told, also when there are none: clients rely on the explicit 0. */
async function readCounts(database: Home['database'], userId: UserId, deviceId: DeviceId): Promise<KeyCounts> {
  const [counted, fallback] = await Promise.all([
    database.select(selectKeyCounts, userId, deviceId),
    database.select(selectFallbackKeys, userId, deviceId),
  ])
  return {
    counts: { signed_curve25519: 0, ...Object.fromEntries(counted.map(({ algorithm, count }) => [algorithm, count])) },
    unusedFallbackTypes: fallback.filter(({ used }) => used === 0).map(({ algorithm }) => algorithm),
  }
}
