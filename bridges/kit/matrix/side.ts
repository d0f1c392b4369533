import type { MatrixEvent } from './event.ts'

/** What the kit asks of a homeserver. Every call may be repeated: it has the effect of one. */
export type MatrixSide = {
  readonly botUserId: string
  registerBot(localpart: string): Promise<void>
  /** Registers the user when it is new and gives it its name. */
  ensureUser(userId: string, displayName: string | undefined): Promise<void>
  /** The user joins; the bot invites it where needed. */
  join(userId: string, roomId: string): Promise<void>
  /** One of ours leaves, or refuses an invitation. */
  leave(userId: string, roomId: string): Promise<void>
  /** Sends bytes that are stored already. The same transaction id gives the same event. */
  send(event: OutgoingEvent): Promise<string>
  /** The sender takes an event back. The same transaction id gives the same redaction; its event id comes back. */
  redact(redaction: Redaction): Promise<string>
  /** An event as the bot sees it; undefined when it is not there for it. */
  event(roomId: string, eventId: string): Promise<MatrixEvent | undefined>
  markRead(userId: string, roomId: string, eventId: string): Promise<void>
  /** The room of an alias; undefined when there is none. */
  resolve(alias: string): Promise<string | undefined>
  /** Makes an encrypted room under the alias, or gives the room that has it already. */
  createRoom(room: NewRoom): Promise<string>
  /** Who made a room that the bot is in, or was; undefined when that is not to be learnt. */
  creator(roomId: string): Promise<string | undefined>
  /** Those in the room or invited to it, with their names there. */
  members(roomId: string): Promise<readonly Member[]>
}

export type OutgoingEvent = {
  readonly txn: string
  readonly room: string
  readonly sender: string
  readonly device?: string
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
  readonly ts?: number
}
export type Redaction = { readonly txn: string; readonly room: string; readonly sender: string; readonly event: string }
export type NewRoom = { readonly alias: string; readonly name: string; readonly invite: readonly string[]; readonly topic?: string }
export type Member = { readonly userId: string; readonly membership: 'join' | 'invite'; readonly name?: string }

/** An answer of the homeserver that is no success; `transient` when the same request may succeed later. */
export class MatrixRequestError extends Error {
  readonly status: number
  readonly errcode: string
  readonly retryAfterMs: number | undefined
  constructor(status: number, errcode: string, retryAfterMs?: number) {
    super(`the homeserver answered ${status} ${errcode}`)
    this.status = status
    this.errcode = errcode
    this.retryAfterMs = retryAfterMs
  }
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

/** Whether waiting may help: the homeserver is away, busy or in trouble. */
export function isTransient(error: unknown): boolean {
  return error instanceof MatrixRequestError && error.transient
}
