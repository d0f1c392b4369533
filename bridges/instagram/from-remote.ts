import type { InboundEvent } from '../kit/connector.ts'
import { readMessaging } from '../protocols/graph/messaging.ts'
import { asObject, idField } from '../protocols/graph/read-json.ts'
import type { NetworkRecord, Said } from '../protocols/graph/record.ts'
import type { WebhookItem } from '../protocols/graph/webhook-item.ts'
import { personFrom } from './ids.ts'

/** What a kept item of Instagram says; undefined for what this version has no use for. */
export function fromRemote(kept: unknown): InboundEvent | undefined {
  const item = asObject(kept)
  if (idField(item, 'object') !== 'instagram' || !asObject(item?.['raw'])) return undefined
  const { accountId } = item as unknown as WebhookItem
  return convert(readMessaging(item as unknown as WebhookItem), accountId)
}

function convert(record: NetworkRecord, account: string): InboundEvent | undefined {
  switch (record.type) {
    case 'text':
      return { type: 'message', text: record.text, ...saidIn(record, account) }
    case 'media':
      return { type: 'media', media: record.media, ...captionOf(record), ...saidIn(record, account) }
    case 'location':
      return { type: 'location', location: record.location, ...saidIn(record, account) }
    case 'contacts':
      return { type: 'contacts', contacts: record.contacts, ...saidIn(record, account) }
    case 'share': {
      const { nativeType, url, title } = record
      const link = { ...(url === undefined ? {} : { url }), ...(title === undefined ? {} : { title }) }
      return { type: 'share', nativeType, ...link, ...captionOf(record), ...saidIn(record, account) }
    }
    case 'unsupported':
      return { type: 'unsupported', nativeType: record.nativeType, ...captionOf(record), ...saidIn(record, account) }
    case 'reaction':
      return { type: 'reaction', ...(record.emoji === undefined ? {} : { emoji: record.emoji }), ...aboutIn(record, account) }
    case 'edit':
      return { type: 'edit', text: record.text, ...aboutIn(record, account) }
    case 'deleted':
      return { type: 'deleted', ...aboutIn(record, account) }
    case 'watermark': {
      const { state, person, upTo, ids, at } = record
      const until = upTo === undefined ? {} : { upTo }
      return { type: 'watermark', account, chat: personFrom(person), state, ids, ...until, ...(at === undefined ? {} : { at }) }
    }
    default:
      return undefined
  }
}

function saidIn({ person, id, own, at, tag, replyTo, forwarded }: Said, account: string) {
  return {
    account,
    chat: personFrom(person),
    id,
    own,
    ...(at === undefined ? {} : { at }),
    ...(tag === undefined ? {} : { tag }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(forwarded === undefined ? {} : { forwarded }),
  }
}

function aboutIn({ person, target, own, at }: Extract<NetworkRecord, { target: string }>, account: string) {
  return { account, chat: personFrom(person), target, own, ...(at === undefined ? {} : { at }) }
}

function captionOf({ text }: { text?: string }): { text?: string } {
  return text === undefined ? {} : { text }
}
