import type { RoomId, UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import { guard, type Part, write } from '../storage/database.ts'
import { selectAllTyping, selectEnding, updateExpiry, upsertTyping } from './typing.store.ts'

/** Who types is kept in a table for all processes to read; each process ends what it began, and in time what a lost one left. */
export type Typing = {
  /** Says that a user types for so many milliseconds, or no more (0). Does not wait until it is written. */
  readonly set: (roomId: RoomId, userId: UserId, milliseconds: number) => void
  readonly start: () => void
  readonly stop: () => Promise<void>
}

type Tools = Pick<Home, 'database' | 'clock' | 'log' | 'notifier'>

export const longestTyping = 120_000
/** What is left of a process that is gone is ended a little later than it would have been. */
const grace = 10_000
const never = Number.MAX_SAFE_INTEGER

export function createTyping({ database, clock, log, notifier }: Tools): Typing {
  const running = new Map<string, { readonly until: number; readonly timer: AbortController }>()
  const stopping = new AbortController()
  const pending = new Set<Promise<unknown>>()
  let sweeping = false

  function commit(part: Part): Promise<void> {
    const done: Promise<void> = database.commit(part).then(
      () => void pending.delete(done),
      (error: unknown) => {
        pending.delete(done)
        log.warn('typing was not written', { error: String(error) })
      },
    )
    pending.add(done)
    return done
  }

  /** Ends typing that ends before a time; nothing to do when it went on, or was ended elsewhere. */
  function end(roomId: string, userId: string, before: number): Promise<void> {
    return commit({
      guards: [guard('ending', 'row', selectEnding, roomId, userId, before)],
      writes: [write(upsertTyping, roomId, userId, 0, 0)],
      log: [{ kind: 'typing', key: roomId }],
    })
  }

  async function endLater(key: string, roomId: RoomId, userId: UserId, milliseconds: number): Promise<void> {
    const timer = new AbortController()
    running.set(key, { until: clock.now() + milliseconds, timer })
    await clock.sleep(milliseconds, timer.signal)
    if (timer.signal.aborted) return
    running.delete(key)
    await end(roomId, userId, clock.now())
  }

  /** Ends what nobody else ended, until nothing is left. */
  async function sweep(): Promise<void> {
    sweeping = true
    try {
      while (!stopping.signal.aborted) {
        const rows = await database.select(selectAllTyping)
        if (rows.length === 0) return
        const late = clock.now() - grace
        for (const { room_id, user_id, expires_at } of rows) if (expires_at <= late) await end(room_id, user_id, late)
        await clock.sleep(grace, stopping.signal)
      }
    } catch (error) {
      log.warn('typing was not swept', { error: String(error) })
    } finally {
      sweeping = false
    }
  }

  let unlisten: (() => void) | undefined
  return {
    set(roomId, userId, milliseconds) {
      const key = `${roomId} ${userId}`
      const before = running.get(key)
      before?.timer.abort()
      running.delete(key)
      if (milliseconds === 0) {
        void end(roomId, userId, never)
        return
      }
      const expiresAt = clock.now() + milliseconds
      const goesOn = before !== undefined && before.until > clock.now()
      // One who goes on typing is no news to anybody.
      if (goesOn) void commit({ writes: [write(updateExpiry, expiresAt, roomId, userId)] })
      else void commit({ writes: [write(upsertTyping, roomId, userId, expiresAt, 0)], log: [{ kind: 'typing', key: roomId }] })
      void endLater(key, roomId, userId, milliseconds)
    },
    start() {
      unlisten = notifier.onAdvance((_, rows) => {
        if (!sweeping && rows.some(({ kind }) => kind === 'typing')) void sweep()
      })
      void sweep()
    },
    async stop() {
      unlisten?.()
      stopping.abort()
      for (const { timer } of running.values()) timer.abort()
      running.clear()
      await Promise.all(pending)
    },
  }
}
