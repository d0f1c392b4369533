import type { LoginSecrets, SendResult, Session } from '../kit/connector.ts'
import type { GraphFailure } from '../protocols/graph/failure.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import { buildInstagramProfile, readInstagramProfile } from '../protocols/graph/instagram.ts'
import { readMessagingSent } from '../protocols/graph/messaging.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { reactionToRemote, readToRemote, toRemote, typingToRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  return {
    send: async (message) => sendResult(await client.call(toRemote(account, message))),
    react: async (reaction) => doneResult(await client.call(reactionToRemote(account, reaction))),
    markRead: async (mark) => doneResult(await client.call(readToRemote(account, mark))),
    showTyping: async ({ to, on }) => void (await client.call(typingToRemote(account, to, on))),
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
  if (result.kind !== 'done') return failed(result)
  const sent = readMessagingSent(result.body)
  if (!sent)
    return { kind: 'unknown', class: 'other', words: 'Instagram answered without an id. It may have been sent: look into the chat.' }
  return { kind: 'sent', id: sent.id }
}

/** What gets no id of its own. */
function doneResult(result: GraphResult): SendResult {
  return result.kind === 'done' ? { kind: 'sent' } : failed(result)
}

function failed({ kind, class: reason, words, retryAfterMs }: GraphFailure): SendResult {
  return kind === 'retry' && retryAfterMs !== undefined ? { kind, class: reason, words, retryAfterMs } : { kind, class: reason, words }
}
