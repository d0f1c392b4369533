import { createHash } from 'node:crypto'
import { readMessagingEvent } from '../messaging/messaging-webhook.ts'
import { asObject, field, idField, integerField, listField, parseJson } from './read-json.ts'
import type { Happening, ParkedItem, ParsedWebhook, WebhookItem } from './webhook-item.ts'
import { readWhatsappChange } from './whatsapp-webhook.ts'

/** Cuts a webhook body (already verified) into its items. Never throws: what cannot be understood is parked, what is not known stays as `unknown`. */
export function parseWebhook(rawBody: Buffer): ParsedWebhook {
  const text = rawBody.toString('utf8')
  const body = asObject(parseJson(text))
  const object = idField(body, 'object')
  const entries = field(body, 'entry')
  if (!object || !Array.isArray(entries)) return { items: [], parked: [park('not a webhook body', text)] }
  const parsed: ParsedWebhook = { items: [], parked: [] }
  for (const entry of entries) addEntry(parsed, object, entry)
  return parsed
}

function addEntry(parsed: ParsedWebhook, object: string, value: unknown): void {
  const entry = asObject(value)
  const entryId = idField(entry, 'id')
  if (!entry || !entryId) {
    parsed.parked.push(park('an entry without an id', JSON.stringify({ object, entry: value })))
    return
  }
  const time = integerField(entry, 'time')
  const before = parsed.items.length + parsed.parked.length
  for (const list of ['changes', 'messaging', 'standby'] as const) {
    for (const element of listField(entry, list)) {
      const happenings = read(object, list, element)
      if (happenings) parsed.items.push(...happenings.map((happening) => toItem(object, entryId, time, happening)))
      else parsed.parked.push(park(`a malformed element of ${list}`, JSON.stringify({ object, id: entryId, [list]: [element] })))
    }
  }
  if (parsed.items.length + parsed.parked.length === before)
    parsed.parked.push(park('an entry without events', JSON.stringify({ object, entry })))
}

function read(object: string, list: 'changes' | 'messaging' | 'standby', value: unknown): Happening[] | undefined {
  const element = asObject(value)
  if (!element) return undefined
  if (list === 'messaging') return [readMessagingEvent(element)]
  if (list === 'standby') return [{ ...readMessagingEvent(element), kind: 'standby' }]
  if (object === 'whatsapp_business_account') return readWhatsappChange(element)
  return [{ kind: 'unknown', raw: element }]
}

function toItem(object: string, entryId: string, time: number | undefined, happening: Happening): WebhookItem {
  const { kind, key, raw } = happening
  const accountId = happening.accountId ?? entryId
  const at = happening.at ?? time
  const dedupKey = hash(JSON.stringify([object, accountId, kind, ...(key ?? [JSON.stringify(raw)])]))
  return { object, entryId, accountId, dedupKey, kind, raw, ...(at === undefined ? {} : { at }) }
}

function park(reason: string, raw: string): ParkedItem {
  return { dedupKey: hash(raw), reason, raw }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
