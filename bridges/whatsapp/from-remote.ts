import type { InboundEvent } from '../kit/connector.ts'
import { asObject, idField } from '../protocols/graph/read-json.ts'
import type { NetworkRecord } from '../protocols/graph/record.ts'
import type { WebhookItem } from '../protocols/graph/webhook-item.ts'
import { readWhatsapp } from '../protocols/graph/whatsapp.ts'
import { personFrom } from './ids.ts'

/** What a kept item of WhatsApp says; undefined for what this version has no use for. */
export function fromRemote(kept: unknown): InboundEvent | undefined {
  const item = asObject(kept)
  if (idField(item, 'object') !== 'whatsapp_business_account' || !asObject(item?.['raw'])) return undefined
  const { accountId } = item as unknown as WebhookItem
  return convert(readWhatsapp(item as unknown as WebhookItem), accountId)
}

function convert(record: NetworkRecord, account: string): InboundEvent | undefined {
  switch (record.type) {
    case 'text':
    case 'media':
    case 'location':
    case 'contacts':
    case 'share':
    case 'unsupported': {
      const { person, id, own, at, tag, replyTo } = record
      const said = {
        account,
        chat: personFrom(person),
        id,
        own,
        ...(at === undefined ? {} : { at }),
        ...(tag === undefined ? {} : { tag }),
        ...(replyTo === undefined ? {} : { replyTo }),
      }
      if (record.type === 'text') return { type: 'message', text: record.text, ...said }
      const nativeType = record.type === 'media' ? record.media[0].kind : 'nativeType' in record ? record.nativeType : record.type
      const text = 'text' in record ? record.text : undefined
      return { type: 'unsupported', nativeType, ...(text === undefined ? {} : { text }), ...said }
    }
    case 'status': {
      const { id, at, tag, failure } = record
      const state = record.state === 'played' ? 'read' : record.state
      const why = failure ? { failure: { class: failure.class, words: failure.words } } : {}
      return { type: 'status', account, id, state, ...(at === undefined ? {} : { at }), ...(tag === undefined ? {} : { tag }), ...why }
    }
    case 'identity':
      return { type: 'identity', account, chat: personFrom(record.person), was: personFrom(record.was) }
    default:
      return undefined
  }
}
