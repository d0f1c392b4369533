import type { OutgoingTemplate, Session, Template } from '../kit/connector.ts'
import { failure } from '../protocols/graph/errors.ts'
import type { GraphClient, GraphRequest } from '../protocols/graph/graph-client.ts'
import { failedResult } from '../protocols/graph/send-result.ts'
import {
  buildWhatsappBusiness,
  buildWhatsappTemplate,
  buildWhatsappTemplates,
  readWhatsappBusiness,
  readWhatsappTemplates,
} from '../protocols/graph/whatsapp-templates.ts'
import { recipientOf } from './ids.ts'

const mostPages = 5

/** The business accounts of numbers, as webhooks named them. */
export type Businesses = Map<string, string>

/** Lists the templates of the business account to which a number belongs. */
export function templatesOf(client: GraphClient, account: string, businesses: Businesses): NonNullable<Session['templates']> {
  return async () => {
    const found = businesses.get(account) ?? (await askBusiness(client, account))
    if (typeof found !== 'string') return failedResult(found)
    const templates: Template[] = []
    let after: string | undefined
    for (let page = 0; page < mostPages; page++) {
      const result = await client.call(buildWhatsappTemplates(found, after))
      if (result.kind !== 'done') return failedResult(result)
      const read = readWhatsappTemplates(result.body)
      templates.push(...read.templates)
      after = read.after
      if (after === undefined) break
    }
    return { kind: 'templates', templates }
  }
}

async function askBusiness(client: GraphClient, account: string) {
  const result = await client.call(buildWhatsappBusiness(account))
  if (result.kind !== 'done' && result.class !== 'parameter') return result
  const found = result.kind === 'done' ? readWhatsappBusiness(result.body) : undefined
  const words =
    'WhatsApp did not say to which business account this number belongs. It is known as soon as somebody writes to it: try again then.'
  return found ?? { ...failure('refused', 'other'), words }
}

/** A template as WhatsApp takes it; the key comes back in its statuses. */
export function templateToRemote(account: string, { to, template, values }: OutgoingTemplate, key: string): GraphRequest {
  return buildWhatsappTemplate(account, { to: recipientOf(to), template, values, tag: key })
}
