import type { LoginSecrets, SendResult, Session } from '../kit/connector.ts'
import type { GraphFailure } from '../protocols/graph/failure.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import { createMediaFetcher, mediaHostsOf } from '../protocols/graph/media-fetcher.ts'
import { fittingKind } from '../protocols/graph/media-limits.ts'
import { openMedia } from '../protocols/graph/open-media.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { readWhatsappSent } from '../protocols/graph/whatsapp.ts'
import { buildWhatsappUpload, readWhatsappUploaded } from '../protocols/graph/whatsapp-media.ts'
import { contactsToRemote, mediaToRemote, placeToRemote, reactionToRemote, readToRemote, toRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version, mediaHosts }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  const fetcher = createMediaFetcher({ hosts: mediaHostsOf(baseUrl, mediaHosts), accessToken })
  return {
    async fetchMedia(media, { message, index }, limit) {
      const opened = await openMedia({ client, fetcher }, media, { messageId: message, index, phoneNumberId: account }, limit)
      return opened.kind === 'open' ? opened : failed(opened)
    },
    async takeMedia(file) {
      const as = fittingKind('whatsapp', file.kind, file)
      if (typeof as !== 'string') return failed(as)
      const result = await client.call(buildWhatsappUpload(account, as, file))
      const taken = result.kind === 'done' ? readWhatsappUploaded(result.body) : undefined
      if (taken) return { kind: 'taken', id: taken.id, as }
      return result.kind === 'done' ? { kind: 'retry', class: 'server', words: 'WhatsApp took the file and gave no id.' } : failed(result)
    },
    sendMedia: async (message, key) => sendResult(await client.call(mediaToRemote(account, message, key))),
    send: async (message, key) => sendResult(await client.call(toRemote(account, message, key))),
    sendPlace: async (place, key) => sendResult(await client.call(placeToRemote(account, place, key))),
    sendContacts: async (contacts, key) => sendResult(await client.call(contactsToRemote(account, contacts, key))),
    react: async (reaction) => sendResult(await client.call(reactionToRemote(account, reaction))),
    async markRead({ id }) {
      const result = await client.call(readToRemote(account, id, false))
      return result.kind === 'done' ? { kind: 'sent' } : failed(result)
    },
    // Typing marks as read here, so it is shown under what was marked already, or not at all.
    async showTyping({ on, read }) {
      if (on && read !== undefined) await client.call(readToRemote(account, read, true))
    },
    async close() {
      await Promise.all([client.close(), fetcher.close()])
    },
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

function failed({ kind, class: reason, words, retryAfterMs }: GraphFailure): Exclude<SendResult, { kind: 'sent' }> {
  return kind === 'retry' && retryAfterMs !== undefined ? { kind, class: reason, words, retryAfterMs } : { kind, class: reason, words }
}
