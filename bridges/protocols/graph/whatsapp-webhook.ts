import { asObject, idField, integerField, type JsonObject, listField, objectField, textField } from './read-json.ts'
import type { Happening, ItemKind } from './webhook-item.ts'

/**
 * Cuts one element of `changes` into messages, statuses, echoes (what the owner typed in the WhatsApp Business app) and notices. A change of a field
 * that is not known stays whole. Undefined when it is no change at all.
 */
export function readWhatsappChange(change: JsonObject): Happening[] | undefined {
  const name = textField(change, 'field', 128)
  const value = objectField(change, 'value')
  if (name === undefined || !value) return undefined
  const metadata = objectField(value, 'metadata')
  const accountId = idField(metadata, 'phone_number_id')
  const account = accountId === undefined ? {} : { accountId }
  const shared = { field: name, ...(metadata ? { metadata } : {}) }
  const happenings = [
    ...elements(value, 'messages').map((message) => readMessage(message, { ...shared, ...contactOf(value, message) })),
    ...elements(value, 'statuses').map((status) => readStatus(status, shared)),
    ...elements(value, 'message_echoes').map((message) => ({ ...readMessage(message, shared), kind: 'echo' as const })),
    ...elements(value, 'errors').map((error) => ({ kind: 'notice' as const, raw: { ...shared, error } })),
  ]
  if (happenings.length === 0) return [{ kind: 'unknown', ...account, raw: change }]
  return happenings.map((happening) => ({ ...account, ...happening }))
}

/** Whatever stands in the list, also what is no object: it becomes an unknown item rather than a loss. */
function elements(value: JsonObject, key: string): JsonObject[] {
  return listField(value, key).map((element) => asObject(element) ?? { malformed: element })
}

function readMessage(message: JsonObject, shared: JsonObject): Happening {
  const id = idField(message, 'id')
  const type = textField(message, 'type', 64) ?? 'unknown'
  const raw = { ...shared, message }
  if (!id) return { kind: 'unknown', raw }
  // A placeholder ("unsupported") and the real content that follows it under the same id are two happenings.
  return { kind: kindOfType(type), key: type === 'unsupported' ? [id, 'placeholder'] : [id], ...secondsOf(message), raw }
}

function readStatus(status: JsonObject, shared: JsonObject): Happening {
  const id = idField(status, 'id')
  const state = textField(status, 'status', 64)
  const raw = { ...shared, status }
  if (!id || !state) return { kind: 'unknown', raw }
  return { kind: 'status', key: [id, state, idField(status, 'recipient_participant_id') ?? ''], ...secondsOf(status), raw }
}

function kindOfType(type: string): ItemKind {
  if (type === 'reaction' || type === 'edit') return type
  return type === 'revoke' ? 'deleted' : 'message'
}

function secondsOf(object: JsonObject): { at?: number } {
  const seconds = integerField(object, 'timestamp')
  return seconds === undefined ? {} : { at: seconds * 1000 }
}

function contactOf(value: JsonObject, message: JsonObject): { contact?: JsonObject } {
  const phone = idField(message, 'from')
  const user = idField(message, 'from_user_id')
  const contacts = listField(value, 'contacts').map(asObject)
  const contact = contacts.find(
    (one) => (user !== undefined && idField(one, 'user_id') === user) || (phone !== undefined && idField(one, 'wa_id') === phone),
  )
  return contact ? { contact } : {}
}
