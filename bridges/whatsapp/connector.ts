import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { eventOfRecord } from '../protocols/graph/event-of-record.ts'
import { mediaLimits } from '../protocols/graph/media-limits.ts'
import { sendRates } from '../protocols/graph/rates.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { createSignedWebhook, readKept } from '../protocols/graph/signed-webhook.ts'
import { readWhatsapp } from '../protocols/graph/whatsapp.ts'
import { readMarkup, writeMarkup } from '../protocols/graph/whatsapp-markup.ts'
import { personFrom } from './ids.ts'
import { login, loginSteps } from './login.ts'
import { open } from './session.ts'
import { splitForRemote } from './to-remote.ts'

// Corrections and withdrawals only where the number is used in the WhatsApp Business app too.
const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'forwarded', 'image', 'video', 'audio', 'voice', 'file', 'sticker', 'location', 'contacts'] as const),
  ...(['unsupported', 'reaction', 'edit', 'deleted', 'identity', 'delivered', 'read', 'failed', 'outcome'] as const),
]

const object = 'whatsapp_business_account'

/** WhatsApp on its official API. */
export function createWhatsApp(settings: GraphSettings): NetworkConnector {
  const businesses = new Map<string, string>()
  return {
    info: { network: 'whatsapp', title: 'WhatsApp', e2ee: 'none' },
    webhook: {
      ...createSignedWebhook(settings, (item) => {
        if (item.object === object) businesses.set(item.accountId, item.entryId)
      }),
      read(raw) {
        const item = readKept(raw, object)
        return item && eventOfRecord(readWhatsapp(item), item.accountId, personFrom)
      },
    },
    files: mediaLimits.whatsapp,
    tells,
    markup: { read: readMarkup, write: writeMarkup },
    split: splitForRemote,
    replyWindowMs: 24 * 3_600_000,
    rates: sendRates.whatsapp,
    loginSteps,
    login: (secrets) => login(settings, secrets),
    open: (secrets) => open(settings, secrets, businesses),
  }
}
