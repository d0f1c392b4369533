import type { InboundMedia, RemoteMedia, Session } from '../connector.ts'
import { Later } from '../feed.ts'
import { largestFile } from '../files.ts'
import type { Kit } from '../kit.ts'
import { MediaFailure } from '../media/failure.ts'
import { sendOnce, transactionId } from '../send.ts'
import { selectSend } from '../store/messages.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { fileContent, wordFor } from './file-content.ts'

type Fetched = { readonly kind: 'file'; readonly content: Record<string, unknown> } | { readonly kind: 'missing'; readonly words: string }

const patienceMs = 15 * 60_000

/** Where the files of a message go, and what stands in each of their events. */
export type Frame = {
  readonly portal: PortalRow
  readonly room: string
  readonly sender: string
  readonly remote: string
  readonly ts: number
  readonly lead: string
  marks(relay: boolean): Record<string, unknown>
  /** In the transaction that notes an event: what follows from it. */
  noted(event: string, index: number, content: Record<string, unknown> | undefined): void
}

/** Brings the files of a message into its room one after another, each an event of its own, each once. */
export async function bringFiles(kit: Kit, event: InboundMedia, frame: Frame): Promise<void> {
  const { portal, room, sender, remote, ts, lead } = frame
  const session = kit.sessions.get(portal.login)
  for (const index of event.media.keys()) {
    const txn = transactionId('in', portal.portal, remote, ...(index === 0 ? [] : [index]))
    if (selectSend(kit.store, txn)?.event) continue
    const words = index === 0 ? `${lead}${event.text ?? ''}` : ''
    const fetched = await fetchFile(kit, session, event, { index, sender, caption: words.trim() === '' ? undefined : words })
    kit.checkpoint('file fetched')
    const carried = fetched.kind === 'file' && !event.own
    const shown =
      fetched.kind === 'file' ? fetched.content : { msgtype: 'm.notice', body: words === '' ? fetched.words : `${words}\n${fetched.words}` }
    const content = { ...shown, ...frame.marks(carried) }
    const planned = { txn, room, sender, type: 'm.room.message', content, ts, encrypted: true }
    await sendOnce(kit, planned, (sent) => frame.noted(sent, index, carried ? shown : undefined))
  }
}

/**
 * Fetches one file of a message and gives it to the homeserver as the sender's. What the network refuses, and what it could not give for a quarter of an
 * hour, is told in words; until then `Later` is thrown.
 */
async function fetchFile(
  kit: Pick<Kit, 'files' | 'clock' | 'connector'>,
  session: Session | undefined,
  event: InboundMedia,
  { index, sender, caption }: { index: number; sender: string; caption: string | undefined },
): Promise<Fetched> {
  const media = event.media[index]
  if (!media) throw new RangeError('no such file')
  const patient = kit.clock() - (event.at ?? kit.clock()) < patienceMs
  if (!session?.fetchMedia) return missing(kit, media, 'It is not carried yet.')
  try {
    const opened = await session.fetchMedia(media, { message: event.id, index }, largestFile)
    if (opened.kind !== 'open') {
      if (opened.kind !== 'refused' && patient)
        throw new Later(`a file: ${opened.class}`, opened.kind === 'retry' ? opened.retryAfterMs : undefined)
      return missing(kit, media, opened.words)
    }
    const taken = await kit.files.take(opened.body, opened.mime ?? media.mime)
    try {
      const file = await kit.files.upload(sender, taken)
      return { kind: 'file', content: fileContent(media, taken, file, caption) }
    } finally {
      await taken.bytes.discard()
    }
  } catch (error) {
    if (!(error instanceof MediaFailure)) throw patient && !(error instanceof Later) ? new Later('a file broke off') : error
    if (error.transient && patient) throw new Later(`a file: ${error.class}`)
    return missing(kit, media, error.message)
  }
}

function missing({ connector }: Pick<Kit, 'connector'>, { kind }: RemoteMedia, why: string): Fetched {
  return {
    kind: 'missing',
    words: `Sent a ${wordFor(kind)} that could not be fetched. ${why} Look into the chat on ${connector.info.title}, or ask for it again.`,
  }
}
