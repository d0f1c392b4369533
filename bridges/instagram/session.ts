import type { LoginSecrets, SendResult, Session } from '../kit/connector.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import { buildInstagramProfile, readInstagramProfile } from '../protocols/graph/instagram.ts'
import { readMessagingSent } from '../protocols/graph/messaging.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { toRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  return {
    send: async (message) => sendResult(await client.call(toRemote(account, message))),
    async profile({ value }) {
      const result = await client.call(buildInstagramProfile(value))
      const person = result.kind === 'done' ? readInstagramProfile(result.body) : undefined
      return person?.name === undefined ? {} : { name: person.name }
    },
    close: () => client.close(),
  }
}

/** An answer without an id leaves open what happened. */
function sendResult(result: GraphResult): SendResult {
  if (result.kind !== 'done') {
    const { kind, class: reason, words, retryAfterMs } = result
    return { kind, class: reason, words, ...(kind === 'retry' && retryAfterMs !== undefined ? { retryAfterMs } : {}) } as SendResult
  }
  const sent = readMessagingSent(result.body)
  if (!sent)
    return { kind: 'unknown', class: 'other', words: 'Instagram answered without an id. It may have been sent: look into the chat.' }
  return { kind: 'sent', id: sent.id }
}
