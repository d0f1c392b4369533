import type { GraphRequest } from './graph-client.ts'
import { asObject, field, idField, type JsonObject, listField, objectField, textField } from './read-json.ts'
import { addressed, marks, toMessages, type WhatsappRecipient } from './whatsapp.ts'

/** A template that can be sent with words alone; its slots are names, or numbers from 1 on. */
export interface WhatsappTemplate {
  name: string
  language: string
  text: string
  slots: readonly string[]
}

/** Characters of a value. */
export const whatsappValueLimit = 1024
const slotPattern = /\{\{\s*([A-Za-z0-9_]{1,64})\s*\}\}/g
const mostTemplates = 100

/** Asks to which business account a number belongs: templates are the account's. */
export function buildWhatsappBusiness(phoneNumberId: string): GraphRequest {
  return { method: 'GET', path: `/${encodeURIComponent(phoneNumberId)}`, query: { fields: 'whatsapp_business_account' } }
}

export function readWhatsappBusiness(body: JsonObject): string | undefined {
  return idField(objectField(body, 'whatsapp_business_account'), 'id')
}

/** Asks for the templates of a business account, a hundred at a time. */
export function buildWhatsappTemplates(businessAccount: string, after?: string): GraphRequest {
  const query = { fields: 'name,language,status,category,parameter_format,components', status: 'APPROVED', limit: String(mostTemplates) }
  const path = `/${encodeURIComponent(businessAccount)}/message_templates`
  return { method: 'GET', path, query: { ...query, ...(after === undefined ? {} : { after }) } }
}

/** The templates in the answer that are approved and want no more than words; and where the list goes on. */
export function readWhatsappTemplates(body: JsonObject): { templates: WhatsappTemplate[]; after?: string } {
  const templates = listField(body, 'data').flatMap((one) => readTemplate(asObject(one)) ?? [])
  const paging = objectField(body, 'paging')
  const after = field(paging, 'next') === undefined ? undefined : textField(objectField(paging, 'cursors'), 'after', 1024)
  return { templates, ...(after === undefined ? {} : { after }) }
}

function readTemplate(template: JsonObject | undefined): WhatsappTemplate | undefined {
  const name = textField(template, 'name', 512)
  const language = textField(template, 'language', 16)
  if (!name || !language || field(template, 'status') !== 'APPROVED' || field(template, 'category') === 'AUTHENTICATION') return undefined
  const parts = listField(template, 'components').map((one) => asObject(one))
  const of = (type: string) => parts.find((part) => textField(part, 'type', 32)?.toUpperCase() === type)
  const body = textField(of('BODY'), 'text', 4096)
  if (body === undefined || wantsMore(of('HEADER')) || listField(of('BUTTONS'), 'buttons').some(wantsMore)) return undefined
  const around = [textField(of('HEADER'), 'text', 1024), body, textField(of('FOOTER'), 'text', 1024)]
  return { name, language, text: around.filter((words) => words).join('\n'), slots: slotsOf(body) }
}

/** A header that is a file, and headers and buttons with something to fill in. */
function wantsMore(value: unknown): boolean {
  const part = asObject(value)
  if (!part) return false
  const format = textField(part, 'format', 32)
  const type = textField(part, 'type', 32) ?? ''
  if (
    (format !== undefined && format.toUpperCase() !== 'TEXT') ||
    ['OTP', 'COPY_CODE', 'FLOW', 'CATALOG', 'MPM'].includes(type.toUpperCase())
  )
    return true
  return [textField(part, 'text', 4096), textField(part, 'url', 4096)].some((words) => words !== undefined && slotsOf(words).length > 0)
}

function slotsOf(text: string): string[] {
  const found = [...new Set([...text.matchAll(slotPattern)].map(([, slot = '']) => slot))]
  return found.every((slot) => /^\d+$/.test(slot)) ? found.sort((a, b) => Number(a) - Number(b)) : found
}

/** A template as a message. Throws a RangeError when there are not as many values as slots, or one is empty or too long. */
export function buildWhatsappTemplate(
  phoneNumberId: string,
  message: { to: WhatsappRecipient; template: Omit<WhatsappTemplate, 'text'>; values: readonly string[]; tag?: string },
): GraphRequest {
  const { to, template, values, tag } = message
  const { name, language, slots } = template
  if (values.length !== slots.length || values.some((value) => value === '' || value.length > whatsappValueLimit))
    throw new RangeError('a template wants a value of 1 to 1024 characters for each of its slots')
  const isNamed = slots.some((slot) => !/^\d+$/.test(slot))
  const parameters = values.map((text, at) => ({ type: 'text', ...(isNamed ? { parameter_name: slots[at] } : {}), text }))
  return toMessages(phoneNumberId, {
    recipient_type: 'individual',
    ...addressed(to),
    type: 'template',
    template: { name, language: { code: language }, ...(parameters.length > 0 ? { components: [{ type: 'body', parameters }] } : {}) },
    ...marks(undefined, tag),
  })
}
