import type { GraphRequest } from '../graph/graph-client.ts'
import { field, idField, integerField, type JsonObject, listField, objectField, textField, urlField } from '../graph/read-json.ts'
import type { NetworkRecord, RemotePerson, Said } from '../graph/record.ts'
import type { KeptItem } from '../graph/webhook-item.ts'
import { readAttachments } from './messaging-attachments.ts'

/** What a `messaging` item of Messenger or Instagram says. Never throws; what it does not know is `unknown`. */
export function readMessaging(item: KeptItem): NetworkRecord {
  const event = item.raw
  const at = item.at === undefined ? {} : { at: item.at }
  const sender = idField(objectField(event, 'sender'), 'id')
  const recipient = idField(objectField(event, 'recipient'), 'id')
  const own = sender === item.accountId || field(objectField(event, 'message'), 'is_echo') === true
  const personId = own ? recipient : sender
  if (!personId || item.kind === 'standby') return { type: 'unknown' }
  const person = { id: personId }
  const message = objectField(event, 'message')
  if (message) return readMessage(message, person, own, at)
  return readSignal(event, person, own, at)
}

function readMessage(message: JsonObject, person: RemotePerson, own: boolean, at: { at?: number }): NetworkRecord {
  const id = idField(message, 'mid')
  if (!id) return { type: 'unknown' }
  if (field(message, 'is_deleted') === true) return { type: 'deleted', target: id, person, own, ...at }
  const said = { id, person, own, ...at, ...optional('replyTo', idField(objectField(message, 'reply_to'), 'mid')), ...marks(message) }
  const text = textField(message, 'text')
  const attached = readAttachments(listField(message, 'attachments'))
  if (attached?.type === 'location') return { ...attached, ...said }
  if (attached) return { ...attached, ...optional('text', text), ...said }
  if (field(message, 'is_unsupported') === true || text === undefined) return { type: 'unsupported', nativeType: 'unknown', ...said }
  return { type: 'text', text, ...said }
}

function marks(message: JsonObject): Pick<Said, 'tag' | 'appId' | 'product' | 'story'> {
  const product = idField(objectField(objectField(message, 'referral'), 'product'), 'id')
  return {
    ...optional('tag', textField(message, 'metadata', 1000)),
    ...optional('appId', idField(message, 'app_id')),
    ...optional('product', product),
    ...optional('story', urlField(objectField(objectField(message, 'reply_to'), 'story'), 'url')),
  }
}

function readSignal(event: JsonObject, person: RemotePerson, own: boolean, at: { at?: number }): NetworkRecord {
  const reaction = objectField(event, 'reaction')
  if (reaction) return readReaction(reaction, person, own, at)
  const edit = objectField(event, 'message_edit')
  const target = idField(edit, 'mid')
  const text = textField(edit, 'text')
  if (target && text !== undefined) return { type: 'edit', target, person, own, text, ...at }
  const postback = objectField(event, 'postback')
  const id = idField(postback, 'mid')
  const title = textField(postback, 'title')
  if (id && title !== undefined) return { type: 'text', id, person, own, text: title, ...at }
  for (const [key, state] of [['delivery', 'delivered'] as const, ['read', 'read'] as const]) {
    const mark = objectField(event, key)
    if (mark) return readWatermark(mark, state, person, at)
  }
  return { type: 'unknown' }
}

function readReaction(reaction: JsonObject, person: RemotePerson, own: boolean, at: { at?: number }): NetworkRecord {
  const target = idField(reaction, 'mid')
  if (!target) return { type: 'unknown' }
  const taken = textField(reaction, 'action', 16) === 'unreact'
  const emoji = textField(reaction, 'emoji', 64) ?? emojiOf[textField(reaction, 'reaction', 16) ?? '']
  return { type: 'reaction', target, person, own, ...(taken ? {} : optional('emoji', emoji ?? '👍')), ...at }
}

const emojiOf: Readonly<Record<string, string>> = {
  __proto__: null as unknown as string,
  smile: '😆',
  angry: '😠',
  sad: '😢',
  wow: '😮',
  love: '❤',
  like: '👍',
  dislike: '👎',
}

function readWatermark(mark: JsonObject, state: 'delivered' | 'read', person: RemotePerson, at: { at?: number }): NetworkRecord {
  const mid = idField(mark, 'mid')
  const mids = listField(mark, 'mids').filter((id) => typeof id === 'string' && id.length > 0 && id.length <= 512) as string[]
  const upTo = integerField(mark, 'watermark')
  const ids = mid === undefined ? mids : [mid]
  if (upTo === undefined && ids.length === 0) return { type: 'unknown' }
  return { type: 'watermark', state, person, ids, ...(upTo === undefined ? {} : { upTo }), ...at }
}

function optional<K extends string>(key: K, value: string | undefined): { [key in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: string })
}

/** A text to one person; `to` is a PSID or IGSID, `replyTo` the mid that it answers. */
export interface OutgoingText {
  to: string
  text: string
  replyTo?: string
}

/** A send as both networks take it; `account` is the Page or Instagram id, or `me`. */
export function buildMessage(account: string, to: string, message: JsonObject, extra: JsonObject = {}): GraphRequest {
  return { method: 'POST', path: `/${encodeURIComponent(account)}/messages`, json: { recipient: { id: to }, message, ...extra } }
}

/** `mark_seen`, `typing_on` or `typing_off` for the chat with a person. */
export function buildSenderAction(account: string, to: string, action: 'mark_seen' | 'typing_on' | 'typing_off'): GraphRequest {
  return { method: 'POST', path: `/${encodeURIComponent(account)}/messages`, json: { recipient: { id: to }, sender_action: action } }
}

/** Reacts to a message of the person's chat, or takes the reaction back. */
export function buildReaction(account: string, to: string, target: string, reaction: string | undefined): GraphRequest {
  const sender = reaction === undefined ? 'unreact' : 'react'
  const payload = { message_id: target, ...(reaction === undefined ? {} : { reaction }) }
  return {
    method: 'POST',
    path: `/${encodeURIComponent(account)}/messages`,
    json: { recipient: { id: to }, sender_action: sender, payload },
  }
}

/** The message id in the answer to a send. */
export function readMessagingSent(body: JsonObject): { id: string } | undefined {
  const id = idField(body, 'message_id')
  return id === undefined ? undefined : { id }
}

/** Asks for the account's own node: proves that the token may use it. */
export function buildAccount(account: string, fields: string): GraphRequest {
  return { method: 'GET', path: `/${encodeURIComponent(account)}`, query: { fields } }
}
