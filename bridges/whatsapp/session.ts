import type { LoginSecrets, SendResult, Session } from '../kit/connector.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { readWhatsappSent } from '../protocols/graph/whatsapp.ts'
import { toRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  return {
    send: async (message, key) => sendResult(await client.call(toRemote(account, message, key))),
    close: () => client.close(),
  }
}

/** An answer without an id leaves open what happened. */
function sendResult(result: GraphResult): SendResult {
  if (result.kind !== 'done') {
    const { kind, class: reason, words, retryAfterMs } = result
    return { kind, class: reason, words, ...(kind === 'retry' && retryAfterMs !== undefined ? { retryAfterMs } : {}) } as SendResult
  }
  const sent = readWhatsappSent(result.body)
  if (!sent)
    return { kind: 'unknown', class: 'other', words: 'WhatsApp answered without an id. It may have been sent: look into the chat.' }
  return { kind: 'sent', id: sent.id }
}
