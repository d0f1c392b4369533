import type { GraphFailure } from './failure.ts'

/** A person as one network names them to one business account. `id` is the stable key: BSUID (or number when there is none), PSID or IGSID. */
export interface RemotePerson {
  id: string
  phone?: string
  name?: string
  username?: string
}

interface Said {
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
  /** The product of the listing from which the person writes (Messenger). */
  product?: string
}

/** What one webhook item says, in a shape that is the same on the three networks. */
export type NetworkRecord =
  | ({ type: 'text'; text: string } & Said)
  /** Something this version cannot carry; `text` is a caption or title that came with it. */
  | ({ type: 'unsupported'; nativeType: string; text?: string } & Said)
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
