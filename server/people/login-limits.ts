import type { UserId } from '../core/ids.ts'
import { limitExceeded } from '../core/matrix-error.ts'
import type { Home } from '../home.ts'
import { type Buckets, createBuckets } from '../http/rate-limit.ts'
import type { People } from './people.ts'

type Check = People['checkPassword']

/** Limits on logins and on wrong passwords, by account: whoever guesses from many addresses meets them too. */
export function limitLogins({ config, clock }: Pick<Home, 'config' | 'clock'>, check: Check): Pick<People, 'checkPassword' | 'countLogin'> {
  if (config.rate_limits === 'off') return { checkPassword: check, countLogin: () => {} }
  const logins = createBuckets(config.rc_login.account, clock.now)
  const failures = createBuckets(config.rc_login.failed_attempts, clock.now)
  return {
    countLogin: (userId) => refuseFor(logins.take, userId),
    checkPassword: async (userId, password) => {
      refuseFor(failures.look, userId)
      const right = await check(userId, password)
      if (!right) failures.take(userId)
      return right
    },
  }
}

function refuseFor(ask: Buckets['take'], userId: UserId): void {
  const milliseconds = ask(userId)
  if (milliseconds > 0) throw limitExceeded(milliseconds)
}
