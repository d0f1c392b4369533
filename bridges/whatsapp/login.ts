import type { LoginResult, LoginSecrets } from '../kit/connector.ts'
import { createGraphClient } from '../protocols/graph/graph-client.ts'
import { idField, textField } from '../protocols/graph/read-json.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { buildWhatsappAccount } from '../protocols/graph/whatsapp.ts'

/** Where people find what a login needs. */
export const loginSteps = {
  account: 'the Phone number ID: in Meta’s app dashboard under WhatsApp, API Setup (a long number, not the phone number itself)',
  token:
    'the access token: of a system user in Meta’s business settings, with the permissions whatsapp_business_messaging and whatsapp_business_management; the one under API Setup lasts a day',
}

/** Asks WhatsApp for the account with the token: who may see it may use it. */
export async function login({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Promise<LoginResult> {
  const client = createGraphClient({ baseUrl, version, accessToken })
  try {
    const result = await client.call(buildWhatsappAccount(account))
    if (result.kind === 'done') {
      const name = textField(result.body, 'verified_name', 256)
      return { kind: 'done', account: idField(result.body, 'id') ?? account, ...(name === undefined ? {} : { name }) }
    }
    const { class: reason, words, retryAfterMs } = result
    if (result.kind === 'refused') return { kind: 'refused', class: reason, words }
    return { kind: 'retry', class: reason, words, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  } finally {
    await client.close()
  }
}
