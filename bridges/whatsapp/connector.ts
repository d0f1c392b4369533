import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { mediaLimits } from '../protocols/graph/media-limits.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { readMarkup, writeMarkup } from '../protocols/graph/whatsapp-markup.ts'
import { login, loginSteps } from './login.ts'
import { open } from './session.ts'
import { splitForRemote } from './to-remote.ts'
import { createWebhook } from './webhook.ts'

// Corrections and withdrawals only where the number is used in the WhatsApp Business app too.
const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'forwarded', 'image', 'video', 'audio', 'voice', 'file', 'sticker', 'location', 'contacts'] as const),
  ...(['unsupported', 'reaction', 'edit', 'deleted', 'identity', 'delivered', 'read', 'failed', 'outcome'] as const),
]

/** WhatsApp on its official API. */
export function createWhatsApp(settings: GraphSettings): NetworkConnector {
  return {
    info: { network: 'whatsapp', title: 'WhatsApp', e2ee: 'none' },
    webhook: createWebhook(settings),
    files: mediaLimits.whatsapp,
    tells,
    markup: { read: readMarkup, write: writeMarkup },
    split: splitForRemote,
    replyWindowMs: 24 * 3_600_000,
    loginSteps,
    login: (secrets) => login(settings, secrets),
    open: (secrets) => open(settings, secrets),
  }
}
