import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { mediaLimits } from '../protocols/graph/media-limits.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { login, loginSteps } from './login.ts'
import { open } from './session.ts'
import { splitForRemote } from './to-remote.ts'
import { createWebhook } from './webhook.ts'

const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'image', 'video', 'audio', 'file', 'sticker', 'location', 'share'] as const),
  ...(['unsupported', 'reaction', 'edit', 'delivered', 'read', 'outcome'] as const),
]

/** Messenger on its official API. */
export function createMessenger(settings: GraphSettings): NetworkConnector {
  return {
    info: { network: 'messenger', title: 'Messenger', e2ee: 'none' },
    webhook: createWebhook(settings),
    files: mediaLimits.messenger,
    tells,
    split: splitForRemote,
    replyWindowMs: 24 * 3_600_000,
    loginSteps,
    login: (secrets) => login(settings, secrets),
    open: (secrets) => open(settings, secrets),
  }
}
