import type { Network, SandboxAccounts, WebhookObject } from './accounts.ts'
import type { Json } from './api-call.ts'
import type { FaultKind, FaultPlace } from './faults.ts'
import type { ErrorSpec } from './graph-error.ts'
import type { FileKind } from './media/file-store.ts'
import type { DeliveryMode, PushStats } from './pusher.ts'
import type { PersonInput } from './world.ts'

/** A person of a network, by id, number or name. */
export interface Who {
  network: Network
  person: string
}

export interface PersonInfo {
  id: string
  network: Network
  name: string
  phone?: string
  username?: string
  userId?: string
}

/** A file as the person's phone has it. */
export interface SeenFile {
  kind: FileKind
  mime: string
  name?: string
  size: number
  /** Hex. */
  sha256: string
}

/** A message as it stands on the person's phone. */
export interface SeenMessage {
  id: string
  /** `me`, or the name that the network shows over what the business wrote. */
  from: string
  text: string
  at: number
  files?: SeenFile[]
  place?: Json
  cards?: readonly Json[]
  replyTo?: string
  edited?: true
  deleted?: true
  reactions?: { from: string; emoji: string }[]
  /** Of the person's own messages: the business has marked it as read. */
  seen?: true
}

export interface PersonView {
  person: PersonInfo
  messages: SeenMessage[]
  /** The business is typing. */
  typing: boolean
}

export interface SayOptions {
  replyTo?: string
  /** Messenger: the product of the listing from which the person writes. */
  product?: string
  /** Not a text but something that the API does not carry, by the network's name for it (`poll_creation`). */
  unsupported?: string
}

/** What a person sends beside words. */
export interface SendInput {
  /** Bytes in base64. */
  files?: { kind: FileKind; mime: string; data: string; name?: string; animated?: boolean }[]
  /** The caption. */
  text?: string
  /** `{latitude, longitude, name?, address?}` */
  place?: Json
  /** Contact cards in the words of WhatsApp (WhatsApp). */
  cards?: Json[]
  /** Something of the network: `{url, title?}` (Messenger, Instagram). */
  share?: Json
  replyTo?: string
  /** WhatsApp; words alone may be forwarded, too. */
  forwarded?: 'once' | 'often'
  /** WhatsApp itself fails to load the file: the business is told so (error 131052). */
  withheld?: boolean
}

/** What may be asked of a running sandbox beside the networks' own APIs; the same in the process and over HTTP. A wrong request is a SandboxError. */
export interface SandboxControl {
  accounts(): Promise<SandboxAccounts>
  addPerson(input: PersonInput): Promise<PersonInfo>
  say(input: Who & { text: string } & SayOptions): Promise<{ id: string }>
  send(input: Who & SendInput): Promise<{ id: string }>
  edit(input: Who & { id: string; text: string }): Promise<void>
  unsend(input: Who & { id: string }): Promise<void>
  react(input: Who & { id: string; emoji?: string }): Promise<void>
  read(input: Who): Promise<void>
  view(input: Who): Promise<PersonView>
  setPerson(input: Who & { online?: boolean; blocksBusiness?: boolean }): Promise<void>
  /** The person has a new number, and with it a new user id (WhatsApp). */
  changeNumber(input: Who): Promise<void>
  /** A human of the business writes in the network's own inbox, past the API (Messenger, Instagram). */
  sayFromInbox(input: Who & { text: string }): Promise<{ id: string }>
  /** Subscribes a webhook after its challenge; the app secret is the account's unless another is given. */
  setWebhook(input: { object: WebhookObject; url: string; verifyToken: string; appSecret?: string }): Promise<void>
  setDelivery(input: { network: Network } & Partial<DeliveryMode>): Promise<void>
  setFault(input: {
    network: Network
    kind: FaultKind
    at?: FaultPlace
    when?: 'before' | 'after'
    times?: number
    error?: ErrorSpec
  }): Promise<void>
  /** Makes a token bad at once, bad by the clock after a time, or good again (`expired: false`). */
  setToken(input: { network: Network; expired?: boolean; revoked?: boolean; expiresInMs?: number }): Promise<void>
  /** Whether the number of WhatsApp is used in the app of WhatsApp Business too. */
  setCoexistence(input: { on: boolean }): Promise<void>
  /** Resolves when no webhook of the network is on its way. */
  settle(input: { network: Network }): Promise<void>
  stats(input: { network: Network }): Promise<PushStats>
  /** Moves the sandbox's clock forward. */
  advance(input: { ms: number }): Promise<void>
}

/** A request to the sandbox's control that cannot be met: an unknown person, a webhook that fails its challenge. */
export class SandboxError extends Error {}
