import { eventOfRecord } from '../graph/event-of-record.ts'
import { createGraphClient, type GraphRequest, type GraphResult } from '../graph/graph-client.ts'
import { createMediaFetcher, mediaHostsOf } from '../graph/media-fetcher.ts'
import { fittingKind, mediaLimits } from '../graph/media-limits.ts'
import type { OutgoingFile } from '../graph/multipart.ts'
import { openMedia } from '../graph/open-media.ts'
import { type Credentials, proveAccount } from '../graph/prove-account.ts'
import type { JsonObject } from '../graph/read-json.ts'
import type { MediaKind, RemoteMedia, RemotePerson } from '../graph/record.ts'
import { doneResult, failedResult, sentResult } from '../graph/send-result.ts'
import type { GraphSettings } from '../graph/settings.ts'
import { createSignedWebhook, readKept } from '../graph/signed-webhook.ts'
import { splitText } from '../graph/split-text.ts'
import { buildReaction, buildSenderAction, type OutgoingText, readMessaging, readMessagingSent } from './messaging.ts'
import { buildAttachment, buildAttachmentUpload, readAttachmentUploaded } from './messaging-media.ts'

/** In what Messenger and Instagram differ. */
export interface MessagingDialect {
  network: 'messenger' | 'instagram'
  title: string
  /** The object of its webhooks. */
  object: string
  /** What the one id of a person is called: theirs towards this account alone. */
  idKind: string
  textLimit: number
  count(text: string): number
  /** `tag` where the network gives it back in its echo. */
  buildText(account: string, message: OutgoingText & { tag: string; humanAgent: boolean }): GraphRequest
  /** Whether files can carry a tag too. */
  tagsFiles: boolean
  /** What a reaction is called. */
  reaction(emoji: string): string
  buildAccount(account: string): GraphRequest
  accountName: string
  buildProfile(id: string): GraphRequest
  readProfile(body: JsonObject): RemotePerson | undefined
}

type Address = readonly { readonly kind: string; readonly value: string }[]
type Outgoing = { readonly to: Address; readonly replyTo?: string; readonly byHuman?: true }

// Room for the mark that may be set before a part of a text.
const spare = 8
const dayMs = 24 * 3_600_000

/** What the connectors of Messenger and Instagram have in common. */
export function messagingAccount(settings: GraphSettings, dialect: MessagingDialect) {
  return {
    webhook: {
      ...createSignedWebhook(settings),
      read(raw: string) {
        const item = readKept(raw, dialect.object)
        return item && eventOfRecord(readMessaging(item), item.accountId, (person) => personFrom(dialect, person))
      },
    },
    files: mediaLimits[dialect.network],
    split: (text: string) => splitText(text, dialect.textLimit - spare, dialect.count),
    replyWindowMs: dayMs,
    agentWindowMs: 7 * dayMs,
    login: (credentials: Credentials) =>
      proveAccount(settings, credentials, dialect.buildAccount(credentials.account), dialect.accountName),
    open: (credentials: Credentials) => openAccount(settings, credentials, dialect),
  }
}

function personFrom({ idKind }: MessagingDialect, { id, name }: RemotePerson) {
  const ids: readonly [{ kind: string; value: string }] = [{ kind: idKind, value: id }]
  return { ids, ...(name === undefined ? {} : { name }) }
}

/** An account at work. */
function openAccount({ baseUrl, version, mediaHosts }: GraphSettings, { account, accessToken }: Credentials, dialect: MessagingDialect) {
  const { network, title, idKind } = dialect
  const client = createGraphClient({ baseUrl, version, accessToken })
  const fetcher = createMediaFetcher({ hosts: mediaHostsOf(baseUrl, mediaHosts), accessToken })
  const sent = (result: GraphResult) => sentResult(result, readMessagingSent, title)
  const addressed = ({ to: ids, replyTo, byHuman }: Outgoing) => {
    const to = ids.find(({ kind }) => kind === idKind)?.value
    if (to === undefined) throw new Error(`no address on ${title}`)
    return { to, humanAgent: byHuman === true, ...(replyTo === undefined ? {} : { replyTo }) }
  }
  return {
    async fetchMedia(media: RemoteMedia, { message, index }: { message: string; index: number }, limit: number) {
      const opened = await openMedia({ client, fetcher }, media, { messageId: message, index }, limit)
      return opened.kind === 'open' ? opened : failedResult(opened)
    },
    async takeMedia(file: OutgoingFile & { kind: MediaKind; size: number }) {
      const as = fittingKind(network, file.kind, file)
      if (typeof as !== 'string') return failedResult(as)
      const result = await client.call(buildAttachmentUpload(network, account, as, file))
      if (result.kind !== 'done') return failedResult(result)
      const taken = readAttachmentUploaded(result.body)
      if (taken) return { kind: 'taken' as const, id: taken.id, as }
      return { kind: 'retry' as const, class: 'server', words: `${title} took the file and gave no id.` }
    },
    async sendMedia({ media, ...message }: Outgoing & { media: { id: string; as: MediaKind } }, key: string) {
      const tag = dialect.tagsFiles ? { tag: key } : {}
      return sent(await client.call(buildAttachment(account, { ...addressed(message), kind: media.as, media, ...tag })))
    },
    async send({ text, ...message }: Outgoing & { text: string }, key: string) {
      return sent(await client.call(dialect.buildText(account, { ...addressed(message), text, tag: key })))
    },
    async react({ target, emoji, ...to }: Outgoing & { target: string; emoji?: string }) {
      const reaction = emoji === undefined ? undefined : dialect.reaction(emoji)
      return doneResult(await client.call(buildReaction(account, addressed(to).to, target, reaction)))
    },
    /** The chat is read, as a whole. */
    markRead: async (mark: Outgoing) => doneResult(await client.call(buildSenderAction(account, addressed(mark).to, 'mark_seen'))),
    async showTyping({ on, to }: Outgoing & { on: boolean }) {
      await client.call(buildSenderAction(account, addressed({ to }).to, on ? 'typing_on' : 'typing_off'))
    },
    async profile({ value }: { value: string }) {
      const result = await client.call(dialect.buildProfile(value))
      const person = result.kind === 'done' ? dialect.readProfile(result.body) : undefined
      return person?.name === undefined ? {} : { name: person.name }
    },
    async close() {
      await Promise.all([client.close(), fetcher.close()])
    },
  }
}
