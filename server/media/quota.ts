import { forbidden, type MatrixError } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import type { Requester } from '../http/endpoint.ts'
import { type Guard, guard, type Write, write } from '../storage/database.ts'
import { addUsage, selectOverQuota, selectUsage } from './media.store.ts'

type Tools = Pick<Home, 'config' | 'database' | 'clock'>

const dayLength = 86_400_000
/** The row of all days. */
const always = -1

/**
 * How many more bytes a user may upload, as it looks before the upload; `quotaGuards` decides. Application services without rate limits
 * have no quota.
 */
export async function roomLeft(home: Tools, requester: Requester): Promise<number> {
  const limits = limitsOf(home, requester)
  if (limits.length === 0) return Number.POSITIVE_INFINITY
  const used = await home.database.select(selectUsage, requester.userId, today(home.clock.now()))
  return Math.min(...limits.map(({ day, limit }) => limit - (used.find((row) => row.day === day)?.bytes ?? 0)))
}

/** What an upload of so many bytes is written under, so that uploads at one time do not pass a quota together. */
export function quotaGuards(home: Tools, requester: Requester, size: number): Guard[] {
  return limitsOf(home, requester).map(({ day, limit }) => guard('quota', 'no row', selectOverQuota, requester.userId, day, size, limit))
}

/** Counts an upload. */
export function usageWrites(userId: string, size: number, now: number): Write[] {
  return [write(addUsage, userId, always, size), write(addUsage, userId, today(now), size)]
}

/** "Homeservers should limit the number and total size of media that can be uploaded by clients, returning a HTTP 403 error with the M_FORBIDDEN code." */
export function overQuota(): MatrixError {
  return forbidden('this upload would be more than this account may keep here')
}

function limitsOf({ config, clock }: Tools, { service }: Requester): { day: number; limit: number }[] {
  if (service?.rateLimited === false) return []
  const { user_quota: all, user_quota_per_day: daily } = config.media
  return [
    ...(all === undefined ? [] : [{ day: always, limit: all }]),
    ...(daily === undefined ? [] : [{ day: today(clock.now()), limit: daily }]),
  ]
}

function today(now: number): number {
  return Math.floor(now / dayLength)
}
