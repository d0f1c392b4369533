import type { InboundEvent } from '../kit/connector.ts'
import { eventOfRecord } from '../protocols/graph/event-of-record.ts'
import { readMessaging } from '../protocols/graph/messaging.ts'
import { asObject, idField } from '../protocols/graph/read-json.ts'
import type { WebhookItem } from '../protocols/graph/webhook-item.ts'
import { personFrom } from './ids.ts'

/** What a kept item of Instagram says; undefined for what this version has no use for. */
export function fromRemote(kept: unknown): InboundEvent | undefined {
  const item = asObject(kept)
  if (idField(item, 'object') !== 'instagram' || !asObject(item?.['raw'])) return undefined
  const known = item as unknown as WebhookItem
  return eventOfRecord(readMessaging(known), known.accountId, personFrom)
}
