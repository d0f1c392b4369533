import type { GraphFailure } from './failure.ts'

/** A person as one network names them to one business account. `id` is the stable key: BSUID (or number when there is none), PSID or IGSID. */
export interface RemotePerson {
  id: string
  phone?: string
  name?: string
  username?: string
}

export const mediaKinds = ['image', 'video', 'audio', 'voice', 'file', 'sticker'] as const
export type MediaKind = (typeof mediaKinds)[number]

/** A file of a message: a promise to fetch it, by WhatsApp's media id or from an address that expires. Size and type are checked on the way. */
export interface RemoteMedia {
  kind: MediaKind
  source: { id: string } | { url: string }
  mime?: string
  /** Of the bytes, as 64 lower-case hex digits. */
  sha256?: string
  name?: string
  animated?: true
}

export interface RemoteLocation {
  latitude: number
  longitude: number
  name?: string
  address?: string
  url?: string
}

export interface RemoteContact {
  name: string
  phones: { number: string; type?: string }[]
  emails: { address: string; type?: string }[]
  organisation?: string
}

export interface Said {
  /** The network's id of the message: `wamid.…` or `m_…`. */
  id: string
  /** The person whose chat with the business this stands in, whoever wrote it. */
  person: RemotePerson
  /** Written by the business itself: through the API or in another client of the account. */
  own: boolean
  /** Milliseconds, as the network gave it; absent when it gave none. */
  at?: number
  replyTo?: string
  /** The tag we gave to our own send (Messenger's `metadata`). */
  tag?: string
  /** The app through which an own message was sent; absent when a human typed it in the network's own inbox. */
  appId?: string
  /** The product of the listing or catalogue about which the person writes. */
  product?: string
  /** Forwarded from another chat, `often` when many times (WhatsApp). */
  forwarded?: 'once' | 'often'
  /** The address of the story that the message answers (Instagram); it expires. */
  story?: string
}

/** What one webhook item says, in a shape that is the same on the three networks. */
export type NetworkRecord =
  | ({ type: 'text'; text: string } & Said)
  /** One file, or an album of up to 30; `text` is the caption. */
  | ({ type: 'media'; media: [RemoteMedia, ...RemoteMedia[]]; text?: string } & Said)
  | ({ type: 'location'; location: RemoteLocation } & Said)
  | ({ type: 'contacts'; contacts: RemoteContact[] } & Said)
  /** A link to something of the network: a shared post, a reel, a story that mentions the account, a link preview. */
  | ({ type: 'share'; nativeType: string; url?: string; title?: string; text?: string } & Said)
  /** Something this version cannot carry; `text` is a caption or title that came with it, `failure` why the network withholds it. */
  | ({ type: 'unsupported'; nativeType: string; text?: string; failure?: GraphFailure } & Said)
  | { type: 'edit'; target: string; person: RemotePerson; own: boolean; text: string; at?: number }
  | { type: 'deleted'; target: string; person: RemotePerson; own: boolean; at?: number }
  /** Without `emoji` the reaction was taken back. */
  | { type: 'reaction'; target: string; person: RemotePerson; own: boolean; emoji?: string; at?: number }
  /** The state of one message of ours; `tag` is what we sent along with it. */
  | {
      type: 'status'
      id: string
      state: 'sent' | 'delivered' | 'read' | 'played' | 'failed'
      at?: number
      tag?: string
      failure?: GraphFailure
    }
  /** Everything of ours in this chat up to a time (`upTo`, milliseconds) or up to and with the newest of `ids` is delivered or read. */
  | { type: 'watermark'; state: 'delivered' | 'read'; person: RemotePerson; upTo?: number; ids: string[]; at?: number }
  /** A person is known under a new id (a changed number). */
  | { type: 'identity'; person: RemotePerson; was: RemotePerson; at?: number }
  | { type: 'unknown' }
