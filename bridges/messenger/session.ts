import type { LoginSecrets, Session } from '../kit/connector.ts'
import { createGraphClient, type GraphResult } from '../protocols/graph/graph-client.ts'
import { createMediaFetcher, mediaHostsOf } from '../protocols/graph/media-fetcher.ts'
import { fittingKind } from '../protocols/graph/media-limits.ts'
import { readMessagingSent } from '../protocols/graph/messaging.ts'
import { buildAttachmentUpload, readAttachmentUploaded } from '../protocols/graph/messaging-media.ts'
import { buildMessengerProfile, readMessengerProfile } from '../protocols/graph/messenger.ts'
import { openMedia } from '../protocols/graph/open-media.ts'
import { doneResult, failedResult, sentResult } from '../protocols/graph/send-result.ts'
import type { GraphSettings } from '../protocols/graph/settings.ts'
import { mediaToRemote, reactionToRemote, readToRemote, toRemote, typingToRemote } from './to-remote.ts'

/** An account at work. */
export function open({ baseUrl, version, mediaHosts }: GraphSettings, { account, accessToken }: LoginSecrets): Session {
  const client = createGraphClient({ baseUrl, version, accessToken })
  const fetcher = createMediaFetcher({ hosts: mediaHostsOf(baseUrl, mediaHosts), accessToken })
  const sent = (result: GraphResult) => sentResult(result, readMessagingSent, 'Messenger')
  return {
    async fetchMedia(media, { message, index }, limit) {
      const opened = await openMedia({ client, fetcher }, media, { messageId: message, index }, limit)
      return opened.kind === 'open' ? opened : failedResult(opened)
    },
    async takeMedia(file) {
      const as = fittingKind('messenger', file.kind, file)
      if (typeof as !== 'string') return failedResult(as)
      const result = await client.call(buildAttachmentUpload('messenger', account, as, file))
      const taken = result.kind === 'done' ? readAttachmentUploaded(result.body) : undefined
      if (taken) return { kind: 'taken', id: taken.id, as }
      return result.kind === 'done'
        ? { kind: 'retry', class: 'server', words: 'Messenger took the file and gave no id.' }
        : failedResult(result)
    },
    sendMedia: async (message, key) => sent(await client.call(mediaToRemote(account, message, key))),
    send: async (message, key) => sent(await client.call(toRemote(account, message, key))),
    react: async (reaction) => doneResult(await client.call(reactionToRemote(account, reaction))),
    markRead: async (mark) => doneResult(await client.call(readToRemote(account, mark))),
    showTyping: async ({ to, on }) => void (await client.call(typingToRemote(account, to, on))),
    async profile({ value }) {
      const result = await client.call(buildMessengerProfile(value))
      const person = result.kind === 'done' ? readMessengerProfile(result.body) : undefined
      return person?.name === undefined ? {} : { name: person.name }
    },
    async close() {
      await Promise.all([client.close(), fetcher.close()])
    },
  }
}
