import type { LoginSecrets, SendResult, Session } from '../kit/connector.ts'
import type { GraphFailure } from '../protocols/graph/failure.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { readWhatsappSent } from '../protocols/graph/whatsapp.ts'
import { reactionToRemote, readToRemote, toRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  return {
    send: async (message, key) => sendResult(await client.call(toRemote(account, message, key))),
    react: async (reaction) => sendResult(await client.call(reactionToRemote(account, reaction))),
    async markRead({ id }) {
      const result = await client.call(readToRemote(account, id, false))
      return result.kind === 'done' ? { kind: 'sent' } : failed(result)
    },
    // Typing marks as read here, so it is shown under what was marked already, or not at all.
    async showTyping({ on, read }) {
      if (on && read !== undefined) await client.call(readToRemote(account, read, true))
    },
    close: () => client.close(),
  }
}

/** An answer without an id leaves open what happened. */
function sendResult(result: GraphResult): SendResult {
  if (result.kind !== 'done') return failed(result)
  const sent = readWhatsappSent(result.body)
  if (!sent)
    return { kind: 'unknown', class: 'other', words: 'WhatsApp answered without an id. It may have been sent: look into the chat.' }
  return { kind: 'sent', id: sent.id }
}

function failed({ kind, class: reason, words, retryAfterMs }: GraphFailure): SendResult {
  return kind === 'retry' && retryAfterMs !== undefined ? { kind, class: reason, words, retryAfterMs } : { kind, class: reason, words }
}
