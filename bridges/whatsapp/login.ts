import type { LoginResult, LoginSecrets } from '../kit/connector.ts'
import { proveAccount } from '../protocols/graph/prove-account.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { buildWhatsappAccount } from '../protocols/graph/whatsapp.ts'

/** Where people find what a login needs. */
export const loginSteps = {
  account: 'the Phone number ID: in Meta’s app dashboard under WhatsApp, API Setup (a long number, not the phone number itself)',
  token:
    'the access token: of a system user in Meta’s business settings, with the permissions whatsapp_business_messaging and whatsapp_business_management; the one under API Setup lasts a day',
}

/** Asks WhatsApp for the account with the token. */
export function login(settings: GraphSettings, secrets: LoginSecrets): Promise<LoginResult> {
  return proveAccount(settings, secrets, buildWhatsappAccount(secrets.account), 'verified_name')
}
