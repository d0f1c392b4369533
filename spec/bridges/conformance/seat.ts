import type { ContactCard, LoginSecrets, MediaKind, NetworkConnector, Place } from '../../../bridges/kit/connector.ts'

/** A message on a person's phone, whatever the network calls its parts. */
export type Seen = {
  readonly id: string
  readonly mine: boolean
  readonly text: string
  readonly replyTo?: string
  readonly file?: { readonly kind: MediaKind; readonly size: number; readonly sha256: string }
  readonly place?: { readonly latitude: number; readonly longitude: number }
  readonly cards?: readonly string[]
  readonly reaction?: string
  readonly edited: boolean
  readonly deleted: boolean
  /** Of their own messages: they see that it was read. */
  readonly seen: boolean
}
export type SentFile = { readonly kind: MediaKind; readonly mime: string; readonly bytes: Buffer; readonly name?: string }
export type Sending = {
  readonly text?: string
  readonly file?: SentFile
  /** Several in one message. */
  readonly album?: readonly SentFile[]
  readonly place?: Place
  readonly card?: ContactCard
  readonly share?: { readonly url: string; readonly title: string }
  /** Something of the network that no bridge can carry. */
  readonly oddity?: true
  readonly replyTo?: string
  readonly forwarded?: true
}

/** A person with the network's app on a phone. What the app does not let them do answers `cannot`. */
export type Phone = {
  sends(sending: Sending): Promise<string | 'cannot'>
  reacts(id: string, emoji?: string): Promise<'done' | 'cannot'>
  edits(id: string, text: string): Promise<'done' | 'cannot'>
  unsends(id: string): Promise<'done' | 'cannot'>
  reads(): Promise<'done' | 'cannot'>
  becomesAnother(): Promise<'done' | 'cannot'>
  goesOffline(): Promise<void>
  sees(): Promise<readonly Seen[]>
  seesTyping(): Promise<boolean>
}

/** How the next call to a network goes wrong. */
export type Mishap =
  | 'answer lost, nothing done'
  | 'answer lost, done all the same'
  | 'rate limit'
  | 'refused later'
  | 'trouble'
  | 'token revoked'

/** One network at the table: its connector, a person, and what can go wrong. */
export type Seat = {
  readonly connector: NetworkConnector
  readonly secrets: LoginSecrets
  readonly phone: Phone
  readonly clock: { now(): number; advance(ms: number): void }
  /** The address at which the bridge listens. */
  listen(url: string): Promise<void>
  /** Resolves when the bridge has been told of all that happened. */
  settle(): Promise<void>
  /** False where the network knows no such mishap. */
  mishap(kind: Mishap): Promise<boolean>
  /** So long the network asks to wait after a rate limit. */
  readonly slownessMs: number
  restoreToken(): Promise<void>
  /** How what happens is told: several times, newest first, or later. */
  tell(mode: { copies?: number; newestFirst?: boolean; held?: boolean }): Promise<void>
  close(): Promise<void>
}
