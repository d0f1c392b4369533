import type { Session } from '../connector.ts'
import type { Feed } from '../feed.ts'
import type { Kit } from '../kit.ts'
import type { RoomActions } from '../matrix/rooms.ts'
import type { Level, Permissions } from './permissions.ts'

/** The tools of the management rooms. */
export type Desk = Kit & {
  readonly sessions: Map<string, Session>
  readonly rooms: RoomActions
  readonly permissions: Permissions
  /** The queue of sends, for what may go on. */
  readonly outbox: Pick<Feed, 'wake'>
}

/** A command as it was written: by whom, where, in which event, with what after its name. */
export type Call = {
  readonly desk: Desk
  readonly user: string
  readonly level: Exclude<Level, 'none'>
  readonly room: string
  readonly event: string
  readonly rest: string
}

/** What a command comes to. Everything before it may be done again after a crash; `write` and the answer are one transaction, done once. */
export type Outcome = {
  readonly words: string
  readonly write?: () => void
  /** In this process alone, after the write: a restart does the same. */
  readonly after?: () => void
  /** What the next message in the room answers; a command that says nothing about it leaves it. */
  readonly step?: Step | null
}
export type Step = { readonly ask: 'account' } | { readonly ask: 'token'; readonly account: string }

/** A command that cannot be done; the message says why and what to do instead. */
export class Mistake extends Error {}
