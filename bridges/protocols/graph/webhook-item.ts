import type { JsonObject } from './read-json.ts'

export type ItemKind =
  | 'message'
  | 'echo'
  | 'status'
  | 'edit'
  | 'deleted'
  | 'reaction'
  | 'read'
  | 'delivery'
  | 'postback'
  | 'notice'
  | 'standby'
  | 'unknown'

/** One thing that happened, cut out of a webhook body; `raw` holds all that is needed to read it later. */
export interface WebhookItem {
  object: string
  /** The id of the entry: WhatsApp business account, Page or Instagram account. */
  entryId: string
  /** Whose it is: phone number id, Page id or Instagram id. */
  accountId: string
  /** Equal for every copy of the same happening, in whatever batch it comes; an opaque hash, as message ids of WhatsApp hold phone numbers. */
  dedupKey: string
  kind: ItemKind
  at?: number
  raw: JsonObject
}

/** What the readers need of an item, so that it can be kept in between. */
export type KeptItem = Pick<WebhookItem, 'accountId' | 'kind' | 'at' | 'raw'>

/** A part of a body that could not be cut up: kept as it came. */
export interface ParkedItem {
  dedupKey: string
  reason: string
  raw: string
}

export interface ParsedWebhook {
  items: WebhookItem[]
  parked: ParkedItem[]
}

/** What the reader of one object's events finds: the kind, the parts of the key that tell it from others, and the item's JSON. */
export interface Happening {
  kind: ItemKind
  /** Undefined when nothing identifies it: then its own JSON does. */
  key?: readonly (string | number)[]
  accountId?: string
  at?: number
  raw: JsonObject
}
