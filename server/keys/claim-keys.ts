import type { DeviceId, UserId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'

import { conflict } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type LogRow, write } from '../storage/database.ts'
import { type ClaimedRow, claimOneTimeKey, selectFallbackKeys, selectUnclaimed, updateFallbackKeyUsed } from './keys.store.ts'

/** A key that somebody wants of a device. */
export type Wanted = { readonly userId: UserId; readonly deviceId: DeviceId; readonly algorithm: string }
export type Claimed = Wanted & { readonly keyId: string; readonly key: Json }

type Tools = Pick<Home, 'database'>

const tries = 20

/**
 * Gives out a key for each device wanted: the oldest one-time key, which nobody else ever gets, else the fallback key, which is marked used.
 * Devices without either are missing from the answer. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim
 */
export async function claimKeys(tools: Tools, wanted: readonly Wanted[]): Promise<Claimed[]> {
  const claimed: Claimed[] = []
  // Locked in one order by all, so that no two wait for each other.
  let left = wanted.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
  for (let round = 0; left.length > 0; round++) {
    if (round === tries) throw conflict('the keys are claimed by too many at once')
    const found = await claimOnce(tools, left)
    claimed.push(...found)
    const without = left.filter((one) => !found.some((got) => got.userId === one.userId && got.deviceId === one.deviceId))
    const lost = await Promise.all(without.map((one) => hasUnclaimed(tools, one)))
    claimed.push(
      ...(await claimFallbackKeys(
        tools,
        without.filter((_, at) => !lost[at]),
      )),
    )
    left = without.filter((_, at) => lost[at])
  }
  return claimed
}

/** Claimed keys as answers have them: by user and device. */
export function claimedKeys(claimed: readonly Claimed[]): Record<string, Record<string, Record<string, Json>>> {
  const keys: Record<string, Record<string, Record<string, Json>>> = {}
  for (const { userId, deviceId, keyId, key } of claimed) {
    keys[userId] ??= {}
    keys[userId][deviceId] = { [keyId]: key }
  }
  return keys
}

const orderOf = ({ userId, deviceId }: Wanted) => `${userId}\0${deviceId}`

/** An answer of PostgreSQL that was lost costs the keys that it named: nobody gets them, and others are claimed. */
async function claimOnce({ database }: Tools, wanted: readonly Wanted[]): Promise<Claimed[]> {
  const writes = wanted.map(({ userId, deviceId, algorithm }) => write(claimOneTimeKey, userId, deviceId, userId, deviceId, algorithm))
  const outcome = await database.commit({ writes, log: wake(wanted) })
  const rows = ((outcome.ok && outcome.rows) || []) as readonly ClaimedRow[]
  return rows.map((row) => ({
    userId: row.user_id,
    deviceId: row.device_id,
    algorithm: row.algorithm,
    keyId: row.key_id,
    key: JSON.parse(row.content),
  }))
}

async function hasUnclaimed({ database }: Tools, { userId, deviceId, algorithm }: Wanted): Promise<boolean> {
  return (await database.selectOne(selectUnclaimed, userId, deviceId, algorithm)) !== undefined
}

async function claimFallbackKeys({ database }: Tools, wanted: readonly Wanted[]): Promise<Claimed[]> {
  const found = await Promise.all(
    wanted.map(async (one) => {
      const rows = await database.select(selectFallbackKeys, one.userId, one.deviceId)
      const row = rows.find(({ algorithm }) => algorithm === one.algorithm)
      return row ? [{ ...one, keyId: row.key_id, key: JSON.parse(row.content), used: row.used === 1 }] : []
    }),
  )
  const all = found.flat()
  const unused = all.filter(({ used }) => !used)
  if (unused.length > 0) {
    const writes = unused.map(({ userId, deviceId, algorithm, keyId }) => write(updateFallbackKeyUsed, userId, deviceId, algorithm, keyId))
    await database.commit({ writes, log: wake(unused) })
  }
  return all.map(({ used: _, ...claimed }) => claimed)
}

function wake(wanted: readonly Wanted[]): LogRow[] {
  return [...new Set(wanted.map(({ userId }) => userId))].map((key) => ({ kind: 'one_time_keys', key }))
}
