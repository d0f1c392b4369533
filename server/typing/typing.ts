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
type Running = { readonly until: number; readonly toldAt: number; readonly timer: AbortController }

export const longestTyping = 120_000
/** What is left of a process that is gone is ended a little later than it would have been. */
const grace = 10_000
/** How often one who goes on typing is told of again: other servers end it after a minute in which they hear nothing. */
const toldEvery = 40_000
const never = Number.MAX_SAFE_INTEGER

export function createTyping(tools: Tools): Typing {
  const { clock, notifier } = tools
  const running = new Map<string, Running>()
  const writer = createWriter(tools)
  const sweeper = createSweeper(tools, writer.end)

  async function endLater(key: string, roomId: RoomId, userId: UserId, milliseconds: number, toldAt: number): Promise<void> {
    const timer = new AbortController()
    running.set(key, { until: clock.now() + milliseconds, toldAt, timer })
    await clock.sleep(milliseconds, timer.signal)
    if (timer.signal.aborted) return
    running.delete(key)
    await writer.end(roomId, userId, clock.now())
  }

  let unlisten: (() => void) | undefined
  return {
    set(roomId, userId, milliseconds) {
      const key = `${roomId} ${userId}`
      const before = running.get(key)
      before?.timer.abort()
      running.delete(key)
      if (milliseconds === 0) {
        void writer.end(roomId, userId, never)
        return
      }
      const now = clock.now()
      const isTold = before !== undefined && before.until > now && now - before.toldAt < toldEvery
      void (isTold ? writer.prolong : writer.begin)(roomId, userId, now + milliseconds)
      void endLater(key, roomId, userId, milliseconds, isTold ? before.toldAt : now)
    },
    start() {
      unlisten = notifier.onAdvance((_, rows) => {
        if (rows.some(({ kind }) => kind === 'typing')) sweeper.start()
      })
      sweeper.start()
    },
    async stop() {
      unlisten?.()
      sweeper.stop()
      for (const { timer } of running.values()) timer.abort()
      running.clear()
      await writer.done()
    },
  }
}

type Put = (roomId: string, userId: string, time: number) => Promise<void>

/** Writes what nobody waits for. */
function createWriter({ database, log }: Pick<Tools, 'database' | 'log'>) {
  const pending = new Set<Promise<unknown>>()
  function commit(part: Part): Promise<void> {
    const done: Promise<void> = database
      .commit(part)
      .then(
        () => undefined,
        (error: unknown) => log.warn('typing was not written', { error: String(error) }),
      )
      .finally(() => pending.delete(done))
    pending.add(done)
    return done
  }
  const news = (roomId: string) => [{ kind: 'typing', key: roomId }]
  const begin: Put = (roomId, userId, expiresAt) =>
    commit({ writes: [write(upsertTyping, roomId, userId, expiresAt, 0)], log: news(roomId) })
  /** One who goes on typing is no news to anybody. */
  const prolong: Put = (roomId, userId, expiresAt) => commit({ writes: [write(updateExpiry, expiresAt, roomId, userId)] })
  /** Ends typing that ends before a time; nothing to do when it went on, or was ended elsewhere. */
  const end: Put = (roomId, userId, before) =>
    commit({
      guards: [guard('ending', 'row', selectEnding, roomId, userId, before)],
      writes: [write(upsertTyping, roomId, userId, 0, 0)],
      log: news(roomId),
    })
  return { begin, prolong, end, done: () => Promise.all(pending) }
}

/** Ends what nobody else ended, until nothing is left. */
function createSweeper({ database, clock, log }: Tools, end: Put) {
  const stopping = new AbortController()
  let sweeping = false

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      const rows = await database.select(selectAllTyping)
      if (rows.length === 0) return
      const late = clock.now() - grace
      for (const { room_id, user_id, expires_at } of rows) if (expires_at <= late) await end(room_id, user_id, late)
      await clock.sleep(grace, stopping.signal)
    }
  }
  return {
    start(): void {
      if (sweeping) return
      sweeping = true
      sweep()
        .catch((error: unknown) => log.warn('typing was not swept', { error: String(error) }))
        .finally(() => {
          sweeping = false
        })
    },
    stop: () => stopping.abort(),
  }
}
