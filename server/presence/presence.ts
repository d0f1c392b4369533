import type { UserId } from '../core/ids.ts'
import type { Home } from '../home.ts'
import type { PresenceName, Shown } from './presence-content.ts'
import { createPresenceWriter, grace, type PresenceWriter } from './presence-writer.ts'

/**
 * Who is online, by what their devices say. Each process holds the devices that speak to it; a change is one row, whoever is told of it. Nothing
 * waits until it is written.
 */
export type Presences = {
  /** A device is there, for so many milliseconds at least, and wants to be seen like this; offline: it does not want to be seen. */
  readonly touch: (userId: UserId, device: string, as: PresenceName, milliseconds: number) => void
  /** A user says how they are; undefined leaves the message as it is. */
  readonly set: (userId: UserId, device: string, as: PresenceName, statusMsg: string | undefined) => void
  /** A user has done something. */
  readonly act: (userId: UserId) => void
  /** How a user of another server is, as that server says; it holds until it says otherwise, or nothing for half an hour. */
  readonly hear: (userId: UserId, shown: Shown) => void
  /** What this process knows by itself. */
  readonly held: (userId: UserId) => Shown | undefined
  readonly start: () => void
  readonly stop: () => Promise<void>
}

type Tools = Pick<Home, 'database' | 'clock' | 'log'>
type Wish = { readonly as: PresenceName; readonly until: number }
type Held = {
  readonly wishes: Map<string, Wish>
  /** The empty text takes a message back; null: nothing was said to this process. */
  statusMsg: string | null
  lastActiveAt: number
  /** What was told last. */
  shown: PresenceName | undefined
  /** Until when others were told that the user is there. */
  written: number
  /** When other servers were told last. */
  toldAt: number
}

/** "The server will automatically set a user's presence to unavailable if their last active time was over a threshold value (e.g. 5 minutes)." */
const idleAfter = 5 * 60_000
/** How long somebody who said how they are is there without asking for anything. */
const saidFor = 5 * 60_000
/** Other servers take whom they hear nothing of for half an hour to be gone, and so does this one. */
const heardFor = 30 * 60_000
const toldEvery = 25 * 60_000
const round = 10_000
const mostHeld = 100_000

export function createPresences(tools: Tools): Presences {
  const { clock } = tools
  const writer = createPresenceWriter(tools)
  const { users, hold, settle } = createHolding(tools, writer)
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(round, stopping.signal)
      if (stopping.signal.aborted) return
      for (const [userId, held] of users) {
        dropOld(held, clock.now())
        settle(userId, held, true)
        if (held.wishes.size === 0) users.delete(userId)
      }
      await writer.sweep((userId) => users.has(userId))
    }
  }

  return {
    touch: (userId, device, as, milliseconds) => {
      const known = users.get(userId)
      if (as === 'offline') {
        if (known?.wishes.delete(device) === true) settle(userId, known)
        return
      }
      const held = known ?? hold(userId)
      if (held.shown !== 'online' && as === 'online' && held.wishes.size === 0) held.lastActiveAt = clock.now()
      held.wishes.set(device, { as, until: clock.now() + milliseconds })
      settle(userId, held)
    },
    set: (userId, device, as, statusMsg) => {
      const held = hold(userId)
      if (as === 'offline') held.wishes.clear()
      else held.wishes.set(device, { as, until: clock.now() + saidFor })
      held.lastActiveAt = clock.now()
      if (statusMsg !== undefined) say(held, statusMsg)
      settle(userId, held)
    },
    act: (userId) => {
      const held = users.get(userId)
      if (held === undefined) return
      held.lastActiveAt = clock.now()
      settle(userId, held)
    },
    hear: (userId, shown) => hear(writer, userId, shown, clock.now()),
    held: (userId) => shownOf(users.get(userId), clock.now()),
    start: () => {
      loop = watch().catch((error: unknown) => tools.log.error('presence is watched no more', { error: String(error) }))
    },
    stop: async () => {
      stopping.abort()
      await loop
      await writer.done()
    },
  }
}

function say(held: Held, statusMsg: string): void {
  if (statusMsg !== held.statusMsg) held.shown = undefined
  held.statusMsg = statusMsg
}

function hear(writer: PresenceWriter, userId: UserId, { presence, statusMsg, lastActiveAt }: Shown, now: number): void {
  const said = { statusMsg: statusMsg ?? '', lastActiveAt }
  const until = now + (presence === 'offline' ? 0 : heardFor)
  writer.tell(userId, presence, said, until)
  if (presence !== 'offline') writer.prolong(userId, said, until)
}

function shownOf(held: Held | undefined, now: number): Shown | undefined {
  return held && { presence: presenceOf(held, now), statusMsg: held.statusMsg, lastActiveAt: held.lastActiveAt }
}

/** Forgets devices that did not come back. */
function dropOld({ wishes }: Held, now: number): void {
  for (const [device, { until }] of wishes) if (until <= now) wishes.delete(device)
}

/** The users whose devices speak to this process. */
function createHolding({ clock, database }: Tools, writer: PresenceWriter) {
  const users = new Map<UserId, Held>()
  return {
    users,
    hold: (userId: UserId): Held => {
      const known = users.get(userId)
      if (known !== undefined) return known
      const held: Held = { wishes: new Map(), statusMsg: null, lastActiveAt: clock.now(), shown: undefined, written: 0, toldAt: 0 }
      if (users.size < mostHeld) users.set(userId, held)
      return held
    },
    /** Writes what has changed for others; `isLapse`: nobody said it, but devices did not come back. */
    settle: (userId: UserId, held: Held, isLapse = false): void => {
      const now = clock.now()
      const presence = presenceOf(held, now)
      const until = Math.max(now, ...[...held.wishes.values()].map((wish) => wish.until)) + grace
      if (presence !== held.shown) {
        held.shown = presence
        held.written = until
        held.toldAt = now
        if (isLapse && presence === 'offline') writer.lapse(userId, held)
        else writer.tell(userId, presence, held, until)
      } else if (presence !== 'offline' && now - held.toldAt >= toldEvery) {
        held.written = until
        held.toldAt = now
        writer.remind(userId, held, until)
      } else if (database.shared && until - held.written >= grace && presence !== 'offline') {
        held.written = until
        writer.prolong(userId, held, until)
      }
    },
  }
}

/** The best that any device says, but nobody is online who has done nothing for a while. */
function presenceOf({ wishes, lastActiveAt }: Held, now: number): PresenceName {
  const present = [...wishes.values()].filter(({ until }) => until > now)
  if (present.length === 0) return 'offline'
  return present.some(({ as }) => as === 'online') && now - lastActiveAt < idleAfter ? 'online' : 'unavailable'
}
