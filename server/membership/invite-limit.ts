import { type ServerName, serverNameOf, type UserId } from '../core/ids.ts'
import { limitExceeded } from '../core/matrix-error.ts'
import { createBuckets } from '../http/rate-limit.ts'
import type { Tools } from '../slice.ts'

/** Throws 429 M_LIMIT_EXCEEDED when a user is invited by other servers too often, or has too many invitations that wait for an answer. */
export type InviteLimit = (of: { readonly origin: ServerName; readonly sender: UserId; readonly invited: UserId }) => Promise<void>

const mostWaiting = 500
const mostOfServer = 100
const pause = 3_600_000

/** How often users are invited over other servers: as often as `rc_invites` says, and never so that they could not look through it. */
export function createInviteLimit({ home, graph }: Tools): InviteLimit {
  const { rc_invites: limits, rate_limits: limited } = home.config
  const bySender = createBuckets(limits.per_issuer, home.clock.now)
  const byInvited = createBuckets(limits.per_user, home.clock.now)
  return async ({ origin, sender, invited }) => {
    const wait = limited === 'off' ? 0 : Math.max(bySender.take(sender), byInvited.take(invited))
    if (wait > 0) throw limitExceeded(wait)
    let waiting = 0
    let ofServer = 0
    for (const membership of (await graph.memberships(invited)).values()) {
      if (membership.membership !== 'invite') continue
      waiting++
      if (serverNameOf(membership.sender) === origin) ofServer++
    }
    if (waiting >= mostWaiting || ofServer >= mostOfServer) throw limitExceeded(pause)
  }
}

const mostAtOnce = 32

/** Runs so much at a time for each server. Throws 429 M_LIMIT_EXCEEDED beyond: others have to be asked about an invitation, and they may be slow. */
export function createAtOnce(): <T>(origin: ServerName, work: () => Promise<T>) => Promise<T> {
  const running = new Map<ServerName, number>()
  return async (origin, work) => {
    const count = running.get(origin) ?? 0
    if (count >= mostAtOnce) throw limitExceeded(1000)
    running.set(origin, count + 1)
    try {
      return await work()
    } finally {
      const left = (running.get(origin) ?? 1) - 1
      if (left > 0) running.set(origin, left)
      else running.delete(origin)
    }
  }
}
