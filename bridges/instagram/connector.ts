import type { NetworkConnector, ToldKind } from '../kit/connector.ts'
import { mediaLimits } from '../protocols/graph/media-limits.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { login, loginSteps, renew } from './login.ts'
import { open } from './session.ts'
import { splitForRemote } from './to-remote.ts'
import { createWebhook } from './webhook.ts'

const tells: readonly ToldKind[] = [
  ...(['message', 'reply', 'image', 'video', 'audio', 'file', 'sticker', 'share', 'unsupported'] as const),
  ...(['reaction', 'edit', 'deleted', 'read', 'outcome'] as const),
]

/** Instagram on its official API. */
export function createInstagram(settings: GraphSettings): NetworkConnector {
  return {
    info: { network: 'instagram', title: 'Instagram', e2ee: 'none' },
    webhook: createWebhook(settings),
    files: mediaLimits.instagram,
    tells,
    split: splitForRemote,
    replyWindowMs: 24 * 3_600_000,
    loginSteps,
    login: (secrets) => login(settings, secrets),
    renew: (secrets) => renew(settings, secrets),
    open: (secrets) => open(settings, secrets),
  }
}
