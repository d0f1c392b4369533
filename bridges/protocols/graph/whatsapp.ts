import { failureOfStatusError } from './errors.ts'
import type { GraphRequest } from './graph-client.ts'
import { asObject, field, idField, integerField, type JsonObject, listField, objectField, textField } from './read-json.ts'
import type { NetworkRecord, RemotePerson, Said } from './record.ts'
import { countChars } from './split-text.ts'
import type { KeptItem } from './webhook-item.ts'
import { readWhatsappContent } from './whatsapp-content.ts'

/** Characters of a text, and of the tag (`biz_opaque_callback_data`) that comes back in every status. */
export const whatsappLimits = { text: 4096, tag: 512 } as const

/** Whom to write to: the number when it is known (it wins), else the business-scoped user id. */
export type WhatsappRecipient = { phone: string } | { userId: string }

const statuses = ['sent', 'delivered', 'read', 'played', 'failed'] as const

/** What an item of `whatsapp_business_account` says. Never throws; what it does not know is `unknown`. */
export function readWhatsapp(item: KeptItem): NetworkRecord {
  const status = objectField(item.raw, 'status')
  if (status) return readStatus(status, item.at)
  const message = objectField(item.raw, 'message')
  const id = idField(message, 'id')
  if (!message || !id) return { type: 'unknown' }
  const own = item.kind === 'echo'
  const person = own
    ? personOf(idField(message, 'to_user_id'), idField(message, 'to'))
    : senderOf(message, objectField(item.raw, 'contact'))
  return person ? readMessage(message, id, person, own, item.at) : { type: 'unknown' }
}

function readMessage(message: JsonObject, id: string, person: RemotePerson, own: boolean, time: number | undefined): NetworkRecord {
  const type = textField(message, 'type', 64) ?? 'unknown'
  const body = objectField(message, type)
  const at = time === undefined ? {} : { at: time }
  const said = { id, person, own, ...at, ...contextOf(message) }
  const text = writtenText(type, body)
  if (text !== undefined) return { type: 'text', text, ...said }
  const target = idField(body, type === 'reaction' ? 'message_id' : 'original_message_id')
  if (type === 'reaction' && target) {
    const emoji = textField(body, 'emoji', 64)
    return { type: 'reaction', target, person, own, ...(emoji ? { emoji } : {}), ...at }
  }
  if (type === 'revoke' && target) return { type: 'deleted', target, person, own, ...at }
  const edited = type === 'edit' ? textField(objectField(objectField(body, 'message'), 'text'), 'body') : undefined
  if (target && edited !== undefined) return { type: 'edit', target, person, own, text: edited, ...at }
  if (type === 'system') return readSystem(body, person, at)
  const content = readWhatsappContent(type, field(message, type))
  if (content) return { ...content, ...said }
  const nativeType = type === 'unsupported' ? (textField(body, 'type', 64) ?? type) : type
  const caption = textField(body, 'caption')
  const error = listField(message, 'errors')[0]
  const withheld = integerField(asObject(error), 'code') === undefined ? {} : { failure: failureOfStatusError(error) }
  return { type: 'unsupported', nativeType, ...(caption ? { text: caption } : {}), ...withheld, ...said }
}

function contextOf(message: JsonObject): Pick<Said, 'replyTo' | 'product' | 'forwarded'> {
  const context = objectField(message, 'context')
  const replyTo = idField(context, 'id')
  const product = idField(objectField(context, 'referred_product'), 'product_retailer_id')
  const often = field(context, 'frequently_forwarded') === true
  return {
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(product === undefined ? {} : { product }),
    ...(often ? { forwarded: 'often' } : field(context, 'forwarded') === true ? { forwarded: 'once' } : {}),
  }
}

/** The words of a message that is text at heart: typed, or the title of the button or row that was tapped. */
function writtenText(type: string, body: JsonObject | undefined): string | undefined {
  if (type === 'text') return textField(body, 'body')
  if (type === 'button') return textField(body, 'text')
  if (type !== 'interactive') return undefined
  return textField(objectField(body, 'button_reply') ?? objectField(body, 'list_reply'), 'title')
}

function readSystem(body: JsonObject | undefined, person: RemotePerson, at: { at?: number }): NetworkRecord {
  const now = personOf(idField(body, 'user_id'), idField(body, 'wa_id'))
  const before = idField(body, 'previous_user_id')
  return now ? { type: 'identity', person: now, was: before ? { id: before } : person, ...at } : { type: 'unknown' }
}

function readStatus(status: JsonObject, time: number | undefined): NetworkRecord {
  const id = idField(status, 'id')
  const state = statuses.find((known) => known === textField(status, 'status', 16))
  if (!id || !state) return { type: 'unknown' }
  const tag = textField(status, 'biz_opaque_callback_data', whatsappLimits.tag)
  const failed = state === 'failed' ? { failure: failureOfStatusError(listField(status, 'errors')[0]) } : {}
  return { type: 'status', id, state, ...(time === undefined ? {} : { at: time }), ...(tag === undefined ? {} : { tag }), ...failed }
}

function senderOf(message: JsonObject, contact: JsonObject | undefined): RemotePerson | undefined {
  const userId = idField(message, 'from_user_id') ?? idField(contact, 'user_id')
  const person = personOf(userId, idField(message, 'from') ?? idField(contact, 'wa_id'))
  const profile = objectField(contact, 'profile')
  const name = textField(profile, 'name', 256)
  const username = textField(profile, 'username', 256)
  return person && { ...person, ...(name ? { name } : {}), ...(username ? { username } : {}) }
}

function personOf(userId: string | undefined, phone: string | undefined): RemotePerson | undefined {
  const id = userId ?? phone
  return id === undefined ? undefined : { id, ...(phone === undefined ? {} : { phone }) }
}

/** A text of 1 to 4096 characters. Throws a RangeError beyond the limits: `splitText` comes first. */
export function buildWhatsappText(
  phoneNumberId: string,
  message: { to: WhatsappRecipient; text: string; replyTo?: string; tag?: string },
): GraphRequest {
  const { to, text, replyTo, tag } = message
  if (text === '' || countChars(text) > whatsappLimits.text) throw new RangeError('a text of WhatsApp has 1 to 4096 characters')
  return toMessages(phoneNumberId, {
    recipient_type: 'individual',
    ...addressed(to),
    type: 'text',
    text: { body: text, preview_url: false },
    ...marks(replyTo, tag),
  })
}

/** What a send answers and the tag that comes back. Throws a RangeError for a tag beyond its limit. */
export function marks(replyTo: string | undefined, tag: string | undefined): JsonObject {
  if (tag !== undefined && tag.length > whatsappLimits.tag) throw new RangeError('callback data has at most 512 characters')
  return {
    ...(replyTo === undefined ? {} : { context: { message_id: replyTo } }),
    ...(tag === undefined ? {} : { biz_opaque_callback_data: tag }),
  }
}

/** One reaction per message; the empty emoji takes it back. */
export function buildWhatsappReaction(phoneNumberId: string, to: WhatsappRecipient, target: string, emoji: string): GraphRequest {
  return toMessages(phoneNumberId, {
    recipient_type: 'individual',
    ...addressed(to),
    type: 'reaction',
    reaction: { message_id: target, emoji },
  })
}

/** Marks a message and all before it as read; with `typing`, also shows the typing indicator for up to 25 seconds. */
export function buildWhatsappRead(phoneNumberId: string, messageId: string, typing = false): GraphRequest {
  return toMessages(phoneNumberId, { status: 'read', message_id: messageId, ...(typing ? { typing_indicator: { type: 'text' } } : {}) })
}

/** The message id in the answer to a send, and under which number or id WhatsApp knows the recipient. */
export function readWhatsappSent(body: JsonObject): { id: string; phone?: string; userId?: string } | undefined {
  const id = idField(asObject(listField(body, 'messages')[0]), 'id')
  const contact = asObject(listField(body, 'contacts')[0])
  const phone = idField(contact, 'wa_id')
  const userId = idField(contact, 'user_id')
  return id === undefined ? undefined : { id, ...(phone === undefined ? {} : { phone }), ...(userId === undefined ? {} : { userId }) }
}

/** Asks for the number's own node: proves that the token may use it. */
export function buildWhatsappAccount(phoneNumberId: string): GraphRequest {
  const fields = 'id,display_phone_number,verified_name,quality_rating'
  return { method: 'GET', path: `/${encodeURIComponent(phoneNumberId)}`, query: { fields } }
}

/** Name and number out of that answer. */
export function readWhatsappAccount(body: JsonObject): { id: string; name?: string; phone?: string } | undefined {
  const id = idField(body, 'id')
  const name = textField(body, 'verified_name', 256)
  const phone = textField(body, 'display_phone_number', 64)
  return id === undefined ? undefined : { id, ...(name ? { name } : {}), ...(phone ? { phone } : {}) }
}

/** The field that names the recipient. */
export function addressed(to: WhatsappRecipient): JsonObject {
  return 'phone' in to ? { to: to.phone } : { recipient: to.userId }
}

/** A request to `/{phone-number-id}/messages`. */
export function toMessages(phoneNumberId: string, message: JsonObject): GraphRequest {
  const path = `/${encodeURIComponent(phoneNumberId)}/messages`
  return { method: 'POST', path, json: { messaging_product: 'whatsapp', ...message } }
}
