import type { Config } from '../../config/schema.ts'
import type { JsonObject } from '../core/json.ts'
import { limitExceeded } from '../core/matrix-error.ts'
import type { Endpoint, Requester } from './endpoint.ts'

type Rate = NonNullable<Endpoint['rate']>
type Bucket = { tokens: number; at: number }
type Limit = { readonly per_second: number; readonly burst_count: number }
type Limited = {
  readonly requester: Requester | undefined
  readonly ip: string
  readonly params?: Readonly<Record<string, string>>
  readonly body?: JsonObject
}

const mostBuckets = 20_000

/**
 * Takes one request out of the buckets of its kind, or throws 429 M_LIMIT_EXCEEDED. What counts by what was done (accounts made) is only looked at
 * before, and taken by `done`.
 */
export type RateLimit = { readonly take: (rate: Rate, of: Limited) => void; readonly done: (rate: Rate, of: Limited) => void }

/** Buckets of tokens by key, in memory: `take` answers for how many milliseconds there is none left, or 0. */
export type Buckets = { readonly take: (key: string) => number; readonly look: (key: string) => number }

/**
 * The limits that the configuration sets, for this process. Not limited: an application service's sender, and its users if the registration says so.
 */
export function createRateLimit(config: Config, now: () => number): RateLimit {
  const buckets = Object.fromEntries(Object.entries(limitsOf(config)).map(([name, limit]) => [name, createBuckets(limit, now)]))
  const isFree = ({ requester }: Limited) =>
    requester?.service !== undefined && (!requester.service.rateLimited || requester.userId === requester.service.sender)
  function each(rate: Rate, of: Limited, ask: (buckets: Buckets, key: string) => number): void {
    if (isFree(of)) return
    let wait = 0
    for (const [name, key] of keysOf(rate, of)) wait = Math.max(wait, ask(buckets[name]!, key))
    if (wait > 0) throw limitExceeded(wait)
  }
  return {
    take: (rate, of) => each(rate, of, (own, key) => (rate === 'registration' ? own.look(key) : own.take(key))),
    done: (rate, of) => {
      if (rate === 'registration') for (const [name, key] of keysOf(rate, of)) buckets[name]!.take(key)
    },
  }
}

/** Buckets that hold as many as `burst_count` and fill by `per_second`. */
export function createBuckets({ per_second: perSecond, burst_count: burst }: Limit, now: () => number): Buckets {
  const buckets = new Map<string, Bucket>()
  function filled(key: string): Bucket {
    const time = now()
    const bucket = buckets.get(key) ?? { tokens: burst, at: time }
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, time - bucket.at) / 1000) * perSecond)
    bucket.at = time
    // The one that was used last stands last, so that the first are the ones to forget.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > mostBuckets) forgetFull(buckets, time)
    return bucket
  }
  function forgetFull(all: Map<string, Bucket>, time: number): void {
    for (const [key, { tokens, at }] of all) if (tokens + ((time - at) / 1000) * perSecond >= burst) all.delete(key)
    if (all.size < mostBuckets / 2) return
    for (const key of [...all.keys()].slice(0, all.size - mostBuckets / 2)) all.delete(key)
  }
  const wait = ({ tokens }: Bucket) => (tokens < 1 ? Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1000)) : 0)
  return {
    look: (key) => wait(filled(key)),
    take: (key) => {
      const bucket = filled(key)
      const milliseconds = wait(bucket)
      if (milliseconds === 0) bucket.tokens -= 1
      return milliseconds
    },
  }
}

function limitsOf(config: Config): Record<string, Limit> {
  return {
    message: config.rc_message,
    login: config.rc_login.address,
    registration: config.rc_registration,
    token_validity: config.rc_registration_token_validity,
    join: config.rc_joins.local,
    invite_by: config.rc_invites.per_issuer,
    invite_into: config.rc_invites.per_room,
    invite_of: config.rc_invites.per_user,
    '3pid': config.rc_3pid_validation,
    report: config.rc_reports,
    create_room: config.rc_room_creation,
    create_media: config.rc_media_create,
    search_users: config.rc_user_directory,
    delayed_event: config.rc_delayed_event_mgmt,
    other: config.rc_other,
  }
}

/** The buckets that a request is counted in: by its user, or its address when nobody is known. */
function keysOf(rate: Rate, { requester, ip, params = {}, body = {} }: Limited): [name: string, key: string][] {
  const who = requester?.userId ?? ip
  if (rate !== 'invite') return [[rate, who]]
  const keys: [string, string][] = [
    ['invite_by', who],
    ['invite_into', params['roomId'] ?? ''],
  ]
  return typeof body['user_id'] === 'string' ? [...keys, ['invite_of', body['user_id']]] : keys
}
