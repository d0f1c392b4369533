import type { LoginSecrets, Refused, Renewed, Retry } from '../kit/connector.ts'
import { askOnce } from '../protocols/graph/prove-account.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { buildInstagramRenewal, readInstagramRenewal } from '../protocols/messaging/instagram.ts'

/** A token of Instagram Login is good for 60 days; another takes its place. Tokens of Pages do not end, and are refused here. */
export function renew(settings: GraphSettings, { accessToken }: LoginSecrets): Promise<Renewed | Refused | Retry> {
  return askOnce(settings, accessToken, buildInstagramRenewal(), (body): Renewed | Retry => {
    const renewal = readInstagramRenewal(body)
    if (renewal) return { kind: 'renewed', ...renewal }
    return { kind: 'retry', class: 'server', words: 'Instagram renewed the token and gave none.' }
  })
}
