/** The contract between the kit, which knows Matrix and no network, and a connector, which knows one network and no Matrix. */

/** A network by the word that stands in the user ids of its ghosts and bot: lower-case letters. */
export type NetworkKind = string
/** An id of a person; `kind` tells ids apart that only look alike. */
export type RemoteId = { readonly kind: string; readonly value: string }

/** A person as the network names them to one account: all ids that came with this event, the stable one first. */
export type RemotePerson = { readonly ids: readonly [RemoteId, ...RemoteId[]]; readonly name?: string }

/** How far a message of ours got, in the words of the network. */
export type DeliveryState = 'sent' | 'delivered' | 'read' | 'failed'

/** Why a send did not work: a class for decisions (the kit knows `credentials`, `rate_limited`, `pair_rate`, `network` and `server`) and a sentence for a person, in which no token, number or text may stand. */
export type Failure = { readonly class: string; readonly words: string }

type Happened = { readonly account: string; readonly at?: number }
type Said = Happened & {
  /** The person whose chat with the account this is, whoever wrote it. */
  readonly chat: RemotePerson
  /** The network's id of the message. */
  readonly id: string
  /** Written by the account itself: our own echo, or another client of it. */
  readonly own: boolean
  /** What we sent along with our own send, when the network gives it back. */
  readonly tag?: string
  /** The network's id of the message that it answers. */
  readonly replyTo?: string
  readonly forwarded?: 'once' | 'often'
}

export type InboundMessage = Said & { readonly type: 'message'; readonly text: string }
export type InboundLocation = Said & { readonly type: 'location'; readonly location: Place }
export type InboundContacts = Said & { readonly type: 'contacts'; readonly contacts: readonly ContactCard[] }
/** Something of the network that a link leads to. */
export type InboundShare = Said & {
  readonly type: 'share'
  readonly nativeType: string
  readonly url?: string
  readonly title?: string
  readonly text?: string
}
/** Something that this version does not carry; `text` is a caption that came with it. */
export type InboundUnsupported = Said & { readonly type: 'unsupported'; readonly nativeType: string; readonly text?: string }
export const mediaKinds = ['image', 'video', 'audio', 'voice', 'file', 'sticker'] as const
export type MediaKind = (typeof mediaKinds)[number]
/** A promise to read a file. */
export type RemoteMedia = {
  readonly kind: MediaKind
  readonly source: { readonly id: string } | { readonly url: string }
  readonly mime?: string
  readonly sha256?: string
  readonly name?: string
  readonly animated?: true
}
/** Files in their order, with a caption. */
export type InboundMedia = Said & {
  readonly type: 'media'
  readonly media: readonly [RemoteMedia, ...RemoteMedia[]]
  readonly text?: string
}
/** Everything that stands in a chat as a message of its own. */
export type InboundSaid = InboundMedia | InboundMessage | InboundLocation | InboundContacts | InboundShare | InboundUnsupported
export type Place = { readonly latitude: number; readonly longitude: number; readonly name?: string; readonly address?: string }
export type ContactCard = {
  readonly name: string
  readonly phones: readonly { readonly number: string }[]
  readonly emails: readonly { readonly address: string }[]
  readonly organisation?: string
}
export type InboundStatus = Happened & {
  readonly type: 'status'
  readonly id: string
  readonly tag?: string
  readonly state: DeliveryState
  readonly failure?: Failure
}
/** Everything of ours in this chat up to a time, or up to and with the newest of `ids`. */
export type InboundWatermark = Happened & {
  readonly type: 'watermark'
  readonly chat: RemotePerson
  readonly state: 'delivered' | 'read'
  readonly upTo?: number
  readonly ids: readonly string[]
}
/** A person is known under new ids. */
export type InboundIdentity = Happened & { readonly type: 'identity'; readonly chat: RemotePerson; readonly was: RemotePerson }
type About = Happened & {
  readonly chat: RemotePerson
  /** The network's id of the message that it is about. */
  readonly target: string
  /** Done by the account itself, in another client of it. */
  readonly own: boolean
}
/** One person holds one reaction on a message; without `emoji` it was taken back. */
export type InboundReaction = About & { readonly type: 'reaction'; readonly emoji?: string }
export type InboundEdit = About & { readonly type: 'edit'; readonly text: string }
export type InboundDeleted = About & { readonly type: 'deleted' }
export type InboundAbout = InboundReaction | InboundEdit | InboundDeleted
export type InboundEvent = InboundAbout | InboundSaid | InboundStatus | InboundWatermark | InboundIdentity

/**
 * One thing that happened, still in the network's words; equal `dedupKey`s are copies of one happening. What is `malformed` says nothing: it is kept
 * for whoever looks into it.
 */
export type RawItem = { readonly dedupKey: string; readonly raw: string; readonly malformed?: true }
export type WebhookAnswer = { readonly status: 200; readonly items: readonly RawItem[] } | { readonly status: 401 }
export type ChallengeAnswer = { readonly status: 200; readonly body: string } | { readonly status: 403 }

/** The network's way in. All of it is pure; the kit does the HTTP and the storing. */
export type Webhook = {
  /** The header that carries the signature, in lower case. */
  readonly signedIn: string
  challenge(query: Readonly<Record<string, unknown>>): ChallengeAnswer
  /** Checks the signature over the raw bytes first, then cuts the body up. Never throws. */
  accept(rawBody: Buffer, signature: string | undefined): WebhookAnswer
  /** What a stored item says; undefined for what this version does not know or has no use for. */
  read(raw: string): InboundEvent | undefined
}

/** It happened; under this id, when the network gives such a thing one. */
export type Sent = { readonly kind: 'sent'; readonly id?: string; readonly ids?: readonly RemoteId[] }
/** It surely did not happen, and will not by itself. */
export type Refused = { readonly kind: 'refused' } & Failure
/** It surely did not happen, and may be tried again. */
export type Retry = { readonly kind: 'retry'; readonly retryAfterMs?: number } & Failure
/** It may have happened: never to be sent again without evidence. */
export type Unknown = { readonly kind: 'unknown' } & Failure
export type SendResult = Sent | Refused | Retry | Unknown

/** All ids of a person, the best address first. */
export type Address = readonly [RemoteId, ...RemoteId[]]
type Outgoing = {
  readonly to: Address
  /** A human answers, past the time in which the network takes any answer. */
  readonly byHuman?: true
}
/** One message as the network takes it: within its limits. */
export type OutgoingText = Outgoing & {
  readonly text: string
  /** The network's id of the message that it answers. */
  readonly replyTo?: string
}
/** A file that has begun to arrive. Reading fails with an error that says nothing of what is read. */
export type OpenedMedia = { readonly kind: 'open'; readonly mime?: string; readonly body: AsyncIterable<Uint8Array> }
export type OutgoingFile = {
  readonly kind: MediaKind
  readonly name: string
  readonly mime: string
  readonly size: number
  /** Reads it from the first byte on, anew each time. */
  open(): AsyncIterable<Uint8Array>
}
/** A file that the network has taken, under the kind as which it takes it; nobody sees it yet. */
export type TakenMedia = { readonly kind: 'taken'; readonly id: string; readonly as: MediaKind }
export type OutgoingMedia = Outgoing & {
  readonly media: TakenMedia
  readonly name: string
  readonly caption?: string
  readonly replyTo?: string
}
export type OutgoingPlace = Outgoing & { readonly place: Place; readonly replyTo?: string }
export type OutgoingContacts = Outgoing & { readonly contacts: readonly ContactCard[]; readonly replyTo?: string }
/** Words that the network has approved, to be sent at any time. `{{name}}` in the text stands for a value that is filled in. */
export type Template = {
  readonly name: string
  readonly language: string
  readonly text: string
  /** What is filled in, in this order, as it stands in the braces. */
  readonly slots: readonly string[]
}
export type OutgoingTemplate = { readonly to: Address; readonly template: Template; readonly values: readonly string[] }
/** About a message of ours. Doing it twice is doing it once. */
export type OutgoingEdit = { readonly to: Address; readonly target: string; readonly text: string }
export type OutgoingWithdrawal = { readonly to: Address; readonly target: string }
export type ReadMark = { readonly to: Address; readonly id: string }
/** The one reaction that the account holds on a message; without `emoji` none. Doing it twice is doing it once. */
export type OutgoingReaction = {
  readonly to: Address
  readonly target: string
  readonly emoji?: string
}

export type Session = {
  /** `key` is given to the network where it takes one, and comes back as `tag`. Never throws for what the network does. */
  send(message: OutgoingText, key: string): Promise<SendResult>
  /** Opens the file at a place among those of a message; an address that has expired is asked for again. */
  fetchMedia?(
    media: RemoteMedia,
    place: { readonly message: string; readonly index: number },
    limit: number,
  ): Promise<OpenedMedia | Refused | Retry | Unknown>
  /** Gives a file to the network, or says why it does not take it. May be repeated. */
  takeMedia?(file: OutgoingFile): Promise<TakenMedia | Refused | Retry | Unknown>
  sendMedia?(message: OutgoingMedia, key: string): Promise<SendResult>
  sendPlace?(place: OutgoingPlace, key: string): Promise<SendResult>
  sendContacts?(contacts: OutgoingContacts, key: string): Promise<SendResult>
  /** The templates that may be sent now, and can be filled in with words. */
  templates?(): Promise<{ readonly kind: 'templates'; readonly templates: readonly Template[] } | Refused | Retry | Unknown>
  sendTemplate?(message: OutgoingTemplate, key: string): Promise<SendResult>
  react?(reaction: OutgoingReaction, key: string): Promise<SendResult>
  edit?(edit: OutgoingEdit, key: string): Promise<SendResult>
  withdraw?(withdrawal: OutgoingWithdrawal, key: string): Promise<SendResult>
  /** Marks a message of theirs, and all before it, as read. Doing it twice is doing it once. */
  markRead?(mark: ReadMark): Promise<SendResult>
  /** Shows that an answer is being written. `read` is the newest message that was marked as read: some networks mark with it. */
  showTyping?(typing: { readonly to: Address; readonly on: boolean; readonly read: string | undefined }): Promise<void>
  /** What the network tells about a person who wrote to us. */
  profile?(person: RemoteId): Promise<{ readonly name?: string } | undefined>
  close(): Promise<void>
}

/** An account with its token; `account` is the id that stands in webhooks. */
export type LoginSecrets = { readonly account: string; readonly accessToken: string }
export type LoginResult = { readonly kind: 'done'; readonly account: string; readonly name?: string } | Refused | Retry

/**
 * What a network tells a bridge of: messages, what is about them, files by kind, marks of a message, how far ours got, and what became of a send whose
 * answer was lost (`outcome`).
 */
export const toldKinds = [
  ...(['message', 'reply', 'forwarded', ...mediaKinds, 'location', 'contacts', 'share', 'unsupported'] as const),
  ...(['reaction', 'edit', 'deleted', 'identity', 'delivered', 'read', 'failed', 'outcome'] as const),
] as const
export type ToldKind = (typeof toldKinds)[number]

/** A piece of a text with the marks that it bears. */
export type Run = { readonly text: string; readonly marks: readonly Mark[] }
export type Mark = 'bold' | 'italic' | 'strike' | 'code'
/** How a network writes marks into a plain text. */
export type Markup = {
  write(runs: readonly Run[]): string
  /** Undefined where nothing in the text bears a mark. */
  read(text: string): readonly Run[] | undefined
}

/** Files of a kind as a network takes them; `caption` in characters, where there is one. */
export type FileLimit = { readonly maxBytes: number; readonly mimes?: readonly string[]; readonly caption?: number }

/** So many at once, and one more whenever so much time has gone by. */
export type Rate = { readonly burst: number; readonly everyMs: number }
/** How fast a network takes what is sent, as it documents it: to one person, from one account, and files from one account. */
export type Rates = { readonly chat?: Rate; readonly account?: Rate; readonly files?: Rate }

export type Renewed = { readonly kind: 'renewed'; readonly accessToken: string; readonly lastsMs: number }

export type NetworkConnector = {
  readonly info: { readonly network: NetworkKind; readonly title: string; readonly e2ee: 'none' | 'to-bridge' | 'to-device' }
  readonly webhook: Webhook
  /** For how long after a person wrote the network takes answers to them. */
  readonly replyWindowMs?: number
  /** The same for answers that a human gives (`byHuman`), for accounts that the network allows to say so. */
  readonly agentWindowMs?: number
  /** What of files the network takes; a kind that is missing goes as another, or not at all. */
  readonly files?: Readonly<Partial<Record<MediaKind, FileLimit>>>
  /** The kit sends no faster. What the network itself says about its limits goes before. */
  readonly rates?: Rates
  /** What the network tells of. The conformance suite checks that each comes, and that nothing else does. */
  readonly tells: readonly ToldKind[]
  readonly markup?: Markup
  /** Cuts a text into parts that the network takes, in order. */
  split(text: string): readonly string[]
  /** What people need for a login, in words that say where to find it: `account` and `token`, each as the rest of “I need …”. */
  readonly loginSteps?: { readonly account: string; readonly token: string }
  /** Proves to the network that the token may use the account. */
  login(secrets: LoginSecrets): Promise<LoginResult>
  /** Gives a token that lasts longer for one that ends; for networks whose tokens end. */
  renew?(secrets: LoginSecrets): Promise<Renewed | Refused | Retry>
  open(secrets: LoginSecrets): Session
}
