import type { LoginSecrets, Session } from '../kit/connector.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import { createMediaFetcher, mediaHostsOf } from '../protocols/graph/media-fetcher.ts'
import { fittingKind } from '../protocols/graph/media-limits.ts'
import { openMedia } from '../protocols/graph/open-media.ts'
import { doneResult, failedResult, sentResult } from '../protocols/graph/send-result.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { readWhatsappSent } from '../protocols/graph/whatsapp.ts'
import { buildWhatsappUpload, readWhatsappUploaded } from '../protocols/graph/whatsapp-media.ts'
import { type Businesses, templatesOf, templateToRemote } from './templates.ts'
import { contactsToRemote, mediaToRemote, placeToRemote, reactionToRemote, readToRemote, toRemote } from './to-remote.ts'

/** An account at work. */
export function open(
  { baseUrl, version, mediaHosts }: GraphSettings,
  { account, accessToken }: LoginSecrets,
  businesses: Businesses,
): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  const fetcher = createMediaFetcher({ hosts: mediaHostsOf(baseUrl, mediaHosts), accessToken })
  const sent = (result: GraphResult) => sentResult(result, readWhatsappSent, 'WhatsApp')
  return {
    async fetchMedia(media, { message, index }, limit) {
      const opened = await openMedia({ client, fetcher }, media, { messageId: message, index, phoneNumberId: account }, limit)
      return opened.kind === 'open' ? opened : failedResult(opened)
    },
    async takeMedia(file) {
      const as = fittingKind('whatsapp', file.kind, file)
      if (typeof as !== 'string') return failedResult(as)
      const result = await client.call(buildWhatsappUpload(account, as, file))
      const taken = result.kind === 'done' ? readWhatsappUploaded(result.body) : undefined
      if (taken) return { kind: 'taken', id: taken.id, as }
      return result.kind === 'done'
        ? { kind: 'retry', class: 'server', words: 'WhatsApp took the file and gave no id.' }
        : failedResult(result)
    },
    sendMedia: async (message, key) => sent(await client.call(mediaToRemote(account, message, key))),
    send: async (message, key) => sent(await client.call(toRemote(account, message, key))),
    sendPlace: async (place, key) => sent(await client.call(placeToRemote(account, place, key))),
    sendContacts: async (contacts, key) => sent(await client.call(contactsToRemote(account, contacts, key))),
    templates: templatesOf(client, account, businesses),
    sendTemplate: async (message, key) => sent(await client.call(templateToRemote(account, message, key))),
    react: async (reaction) => sent(await client.call(reactionToRemote(account, reaction))),
    async markRead({ id }) {
      return doneResult(await client.call(readToRemote(account, id, false)))
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
