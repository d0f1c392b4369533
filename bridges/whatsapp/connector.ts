import type { NetworkConnector } from '../kit/connector.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { login, loginSteps } from './login.ts'
import { open } from './session.ts'
import { captions, splitForRemote } from './to-remote.ts'
import { createWebhook } from './webhook.ts'

/** WhatsApp on its official API. */
export function createWhatsApp(settings: GraphSettings): NetworkConnector {
  return {
    info: { network: 'whatsapp', title: 'WhatsApp', e2ee: 'none' },
    webhook: createWebhook(settings),
    captions,
    split: splitForRemote,
    replyWindowMs: 24 * 3_600_000,
    loginSteps,
    login: (secrets) => login(settings, secrets),
    open: (secrets) => open(settings, secrets),
  }
}
