import type { UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { guard, type Part, write } from '../storage/database.ts'
import { selectAllExpired, selectExpired, selectSame, updateExpiry, upsertPresence } from './presence.store.ts'
import type { PresenceName, Shown } from './presence-content.ts'

type Said = Pick<Shown, 'statusMsg' | 'lastActiveAt'>

export type PresenceWriter = {
  /** Tells others how a user is, until when at least; without a message the one before stays. */
  readonly tell: (userId: UserId, presence: PresenceName, said: Said, until: number) => void
  /** A user is there for longer: no news to anybody. */
  readonly prolong: (userId: UserId, said: Said, until: number) => void
  /** The same, for other servers to hear of it again. */
  readonly remind: (userId: UserId, said: Said, until: number) => void
  /** Nobody holds the user here; another process may. */
  readonly lapse: (userId: UserId, said: Said) => void
  /** Ends what processes that are gone have left. */
  readonly sweep: (isHeld: (userId: UserId) => boolean) => Promise<void>
  readonly done: () => Promise<unknown>
}

/** What is left of a process that is gone is ended a little later than it would have been. */
export const grace = 60_000
const mostAtOnce = 200

/** Writes what nobody waits for. */
export function createPresenceWriter({ database, clock, log }: Pick<Home, 'database' | 'clock' | 'log'>): PresenceWriter {
  const pending = new Set<Promise<unknown>>()
  function commit(part: Part): void {
    const done: Promise<void> = database
      .commit(part)
      .then(
        () => undefined,
        (error: unknown) => log.warn('presence was not written', { error: String(error) }),
      )
      .finally(() => pending.delete(done))
    pending.add(done)
  }
  const news = (userId: string) => [{ kind: 'presence', key: userId }]
  const offline = (userId: string, statusMsg: string | null, lastActiveAt: number) =>
    commit({
      guards: [guard('expired', 'row', selectExpired, userId, clock.now() + grace)],
      writes: [write(upsertPresence, userId, 'offline', statusMsg, lastActiveAt, clock.now(), 0)],
      log: news(userId),
    })
  return {
    tell: (userId, presence, { statusMsg, lastActiveAt }, until) =>
      commit({
        guards: [guard('same', 'no row', selectSame, userId, presence, statusMsg, statusMsg)],
        writes: [write(upsertPresence, userId, presence, statusMsg, lastActiveAt, until, 0)],
        log: news(userId),
      }),
    prolong: (userId, { lastActiveAt }, until) => commit({ writes: [write(updateExpiry, until, lastActiveAt, userId)] }),
    remind: (userId, { lastActiveAt }, until) =>
      commit({ writes: [write(updateExpiry, until, lastActiveAt, userId)], log: [{ kind: 'presence_kept', key: userId }] }),
    lapse: (userId, { statusMsg, lastActiveAt }) => offline(userId, statusMsg, lastActiveAt),
    sweep: async (isHeld) => {
      const rows = await database.select(selectAllExpired, clock.now() - grace, mostAtOnce)
      for (const { user_id, status_msg, last_active_at } of rows) {
        if (!isHeld(user_id as UserId)) offline(user_id, status_msg, last_active_at)
      }
    },
    done: () => Promise.all(pending),
  }
}
