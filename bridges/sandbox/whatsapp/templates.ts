import { type ApiCall, asJson, type Json, type Outcome, stringOf } from '../api-call.ts'
import { type ErrorSpec, graphErrors } from '../graph-error.ts'

/** A template of the business account, in the words of the API. */
export interface Template {
  id: string
  name: string
  language: string
  status: 'APPROVED' | 'PENDING' | 'PAUSED'
  category: 'UTILITY' | 'MARKETING'
  parameter_format: 'POSITIONAL' | 'NAMED'
  components: readonly Json[]
}

const body = (text: string): Json => ({ type: 'BODY', text })

/** What every business account of the sandbox has. */
export function createTemplates(): Template[] {
  const rows: [string, string, Template['status'], Template['category'], readonly Json[]][] = [
    [
      'answer_ready',
      'en_US',
      'APPROVED',
      'UTILITY',
      [body('Hello! There is an answer to your question. Reply to read it.'), { type: 'FOOTER', text: 'Tombolo Bikes' }],
    ],
    ['order_update', 'en', 'APPROVED', 'UTILITY', [body('Hi {{1}}, your order {{2}} is ready.')]],
    ['tour_day', 'de', 'APPROVED', 'UTILITY', [body('Hallo {{first_name}}, bis {{day}}!')]],
    ['summer_sale', 'en', 'PENDING', 'MARKETING', [body('Everything must go.')]],
    ['spring_sale', 'en', 'PAUSED', 'MARKETING', [body('Everything must grow.')]],
    ['offer_with_picture', 'en', 'APPROVED', 'MARKETING', [{ type: 'HEADER', format: 'IMAGE' }, body('Look at this.')]],
  ]
  return rows.map(([name, language, status, category, components], at) => ({
    ...{ id: String(900_000_000_000_001 + at), name, language, status, category, components },
    parameter_format: slotsOf(components).every((slot) => /^\d+$/.test(slot)) ? 'POSITIONAL' : 'NAMED',
  }))
}

const pageLimit = 25

/** `GET /{waba-id}/message_templates`, page by page. */
export function listTemplates(templates: readonly Template[], { query }: ApiCall): Outcome {
  const wanted = templates.filter(
    ({ name, status, language }) =>
      [name, null].includes(query.get('name')) &&
      [status as string, null].includes(query.get('status')) &&
      [language, null].includes(query.get('language')),
  )
  const from = Number(query.get('after') ?? 0) || 0
  const limit = Math.max(1, Number(query.get('limit')) || pageLimit)
  const data = wanted.slice(from, from + limit)
  const cursors = { before: String(from), after: String(from + data.length) }
  const next = from + data.length < wanted.length ? { next: `https://graph.facebook.com/next?after=${cursors.after}` } : {}
  return { body: { data, paging: { cursors, ...next } } }
}

/** A template that was sent, as the person reads it; or the error of the documentation. */
export function templateContent(
  templates: readonly Template[],
  sent: Json,
): { content: { text: string; files: []; cards: [] } } | { error: ErrorSpec } {
  const given = asJson(sent['template'])
  const language = stringOf(given['language'], 'code')
  const template = templates.find((one) => one.name === stringOf(given, 'name') && one.language === language)
  if (!template || template.status === 'PENDING') return { error: graphErrors.whatsappNoTemplate }
  if (template.status === 'PAUSED') return { error: graphErrors.whatsappTemplatePaused }
  const values = valuesIn(given)
  const slots = slotsOf(template.components)
  const byName = template.parameter_format === 'NAMED'
  if (values.length !== slots.length) return { error: graphErrors.whatsappTemplateValues }
  const filled = slots.map((slot, at) => (byName ? values.find(({ name }) => name === slot)?.text : values[at]?.text))
  if (filled.some((value) => !value || /[\n\t]| {5}/.test(value))) return { error: graphErrors.whatsappTemplateValues }
  const lines = template.components.flatMap((part) => stringOf(part, 'text') ?? [])
  const text = lines.join('\n').replace(slotPattern, (_, slot: string) => filled[slots.indexOf(slot)] ?? '')
  return { content: { text, files: [], cards: [] } }
}

const slotPattern = /\{\{(\w+)\}\}/g

function slotsOf(components: readonly Json[]): string[] {
  const texts = components.flatMap((part) => stringOf(part, 'text') ?? [])
  return [...new Set(texts.flatMap((text) => [...text.matchAll(slotPattern)].map(([, slot = '']) => slot)))]
}

function valuesIn(template: Json): { name: string | undefined; text: string | undefined }[] {
  const components = Array.isArray(template['components']) ? template['components'].map(asJson) : []
  const parameters = components.flatMap((part) => (part['type'] === 'body' && Array.isArray(part['parameters']) ? part['parameters'] : []))
  return parameters.map((one) => ({ name: stringOf(one, 'parameter_name'), text: stringOf(one, 'text') }))
}
