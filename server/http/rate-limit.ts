import { limitExceeded } from '../core/matrix-error.ts'
import type { Endpoint, Requester } from './endpoint.ts'

type Rate = NonNullable<Endpoint['rate']>
type Bucket = { tokens: number; at: number }

/** How many requests a bucket holds, and how many it gains a second. */
const rates: Readonly<Record<Rate, { burst: number; perSecond: number }>> = {
  message: { burst: 60, perSecond: 10 },
  login: { burst: 12, perSecond: 0.2 },
  registration: { burst: 6, perSecond: 0.1 },
  join: { burst: 30, perSecond: 1 },
  invite: { burst: 30, perSecond: 1 },
  other: { burst: 200, perSecond: 20 },
}
const mostBuckets = 20_000

/** Takes one request out of the bucket of its kind and its user (or address, when nobody is known), or throws 429 M_LIMIT_EXCEEDED. */
export type RateLimit = (rate: Rate, requester: Requester | undefined, ip: string) => void

/** Buckets of tokens, in memory. Not limited: an application service's sender, and its users if the registration says so. */
export function createRateLimit(now: () => number): RateLimit {
  const buckets = new Map<string, Bucket>()
  return (rate, requester, ip) => {
    const service = requester?.service
    if (service && (!service.rateLimited || requester.userId === service.sender)) return
    const { burst, perSecond } = rates[rate]
    const key = `${rate} ${requester?.userId ?? ip}`
    const time = now()
    const bucket = buckets.get(key) ?? { tokens: burst, at: time }
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, time - bucket.at) / 1000) * perSecond)
    bucket.at = time
    // The one that was used last stands last, so that the first are the ones to forget.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > mostBuckets) forgetFull(buckets, time)
    if (bucket.tokens < 1) throw limitExceeded(((1 - bucket.tokens) / perSecond) * 1000)
    bucket.tokens -= 1
  }
}

/** Forgets buckets that have filled up, and the oldest half when too few have. */
function forgetFull(buckets: Map<string, Bucket>, time: number): void {
  for (const [key, { tokens, at }] of buckets) {
    const { burst, perSecond } = rates[key.slice(0, key.indexOf(' ')) as Rate]
    if (tokens + ((time - at) / 1000) * perSecond >= burst) buckets.delete(key)
  }
  if (buckets.size < mostBuckets / 2) return
  for (const key of [...buckets.keys()].slice(0, buckets.size - mostBuckets / 2)) buckets.delete(key)
}
