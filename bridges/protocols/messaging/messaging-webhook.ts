import { field, idField, integerField, type JsonObject, objectField } from '../graph/read-json.ts'
import type { Happening, ItemKind } from '../graph/webhook-item.ts'

const handled: readonly (readonly [string, ItemKind])[] = [
  ['referral', 'notice'],
  ['optin', 'notice'],
  ['account_linking', 'notice'],
  ['policy_enforcement', 'notice'],
  ['pass_thread_control', 'notice'],
  ['take_thread_control', 'notice'],
  ['request_thread_control', 'notice'],
  ['app_roles', 'notice'],
]

/** The kind, key and time of one `messaging` event of Messenger or Instagram. */
export function readMessagingEvent(event: JsonObject): Happening {
  const at = integerField(event, 'timestamp')
  return { ...kindAndKey(event, at ?? 0), ...(at === undefined ? {} : { at }), raw: event }
}

function kindAndKey(event: JsonObject, at: number): Pick<Happening, 'kind' | 'key'> {
  const person = idField(objectField(event, 'sender'), 'id') ?? ''
  const message = objectField(event, 'message')
  if (message) return messageKey(message)
  const edit = objectField(event, 'message_edit')
  if (edit) return keyed('edit', [idField(edit, 'mid'), integerField(edit, 'num_edit') ?? at])
  const reaction = objectField(event, 'reaction')
  if (reaction)
    return keyed('reaction', [idField(reaction, 'mid'), person, idField(reaction, 'action') ?? '', idField(reaction, 'emoji') ?? '', at])
  const read = objectField(event, 'read')
  if (read) return keyed('read', [person, idField(read, 'mid') ?? integerField(read, 'watermark')])
  // Two deliveries with one watermark may name different mids, so their own JSON is the key.
  if (objectField(event, 'delivery')) return { kind: 'delivery' }
  const postback = objectField(event, 'postback')
  if (postback) return keyed('postback', [idField(postback, 'mid')])
  return { kind: handled.find(([name]) => field(event, name) !== undefined)?.[1] ?? 'unknown' }
}

function messageKey(message: JsonObject): Pick<Happening, 'kind' | 'key'> {
  const kind: ItemKind = field(message, 'is_deleted') === true ? 'deleted' : field(message, 'is_echo') === true ? 'echo' : 'message'
  const mid = idField(message, 'mid')
  return mid === undefined ? { kind: 'unknown' } : keyed(kind, field(message, 'is_unsupported') === true ? [mid, 'placeholder'] : [mid])
}

function keyed(kind: ItemKind, parts: readonly (string | number | undefined)[]): Pick<Happening, 'kind' | 'key'> {
  const key = parts.filter((part) => part !== undefined)
  return key.length === parts.length ? { kind, key } : { kind }
}
