import type { InboundEvent } from '../kit/connector.ts'
import { eventOfRecord } from '../protocols/graph/event-of-record.ts'
import { asObject, idField } from '../protocols/graph/read-json.ts'
import type { WebhookItem } from '../protocols/graph/webhook-item.ts'
import { readWhatsapp } from '../protocols/graph/whatsapp.ts'
import { personFrom } from './ids.ts'

/** What a kept item of WhatsApp says; undefined for what this version has no use for. */
export function fromRemote(kept: unknown): InboundEvent | undefined {
  const item = asObject(kept)
  if (idField(item, 'object') !== 'whatsapp_business_account' || !asObject(item?.['raw'])) return undefined
  const known = item as unknown as WebhookItem
  return eventOfRecord(readWhatsapp(known), known.accountId, personFrom)
}
