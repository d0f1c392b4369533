import type { Address, ContactCard, Markup, MediaKind, SendResult, Session } from '../connector.ts'
import type { RoomFile } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { MediaFailure } from '../media/failure.ts'
import { cardText, isCardFile, largestCard, readCards } from './card.ts'
import { markedText } from './words.ts'

type Content = Readonly<Record<string, unknown>>
const kinds: Readonly<Record<string, MediaKind>> = { 'm.image': 'image', 'm.video': 'video', 'm.audio': 'audio', 'm.file': 'file' }
const longestName = 200

/** The file of a message; undefined when it is none. https://spec.matrix.org/v1.19/client-server-api/#media-captions */
export function fileOf(type: string, content: Content, markup?: Markup): RoomFile | undefined {
  const msgtype = content['msgtype']
  const plain = typeof msgtype === 'string' && Object.hasOwn(kinds, msgtype) ? kinds[msgtype] : undefined
  const kind = type === 'm.sticker' ? 'sticker' : plain === 'audio' && 'org.matrix.msc3245.voice' in content ? 'voice' : plain
  if (!kind) return undefined
  const { body, filename, file, url, info } = content
  const words = typeof body === 'string' ? body.toWellFormed() : ''
  const name = (typeof filename === 'string' ? filename.toWellFormed() : words).replace(/[/\\\p{Cc}\p{Cf}]/gu, '_').slice(0, longestName)
  const mime = (info as Content | null | undefined)?.['mimetype']
  return {
    kind,
    name: name || 'file',
    ...(typeof filename === 'string' && filename !== body && words !== '' ? { caption: markedText(content, markup) ?? words } : {}),
    ...(typeof mime === 'string' ? { mime } : {}),
    ...(file === undefined ? {} : { file }),
    ...(typeof url === 'string' ? { url } : {}),
  }
}

/** Takes the file from the homeserver and gives it to the network, where nobody sees it yet; what it gives back makes it a message. */
export async function prepareFile(
  { files, connector }: Pick<Kit, 'files' | 'connector'>,
  session: Session,
  file: RoomFile,
  message: { readonly to: Address; readonly replyTo?: string; readonly byHuman?: true },
  key: string,
): Promise<() => Promise<SendResult>> {
  try {
    const { bytes, mime, kind: sniffed } = await files.download(file)
    try {
      const cards = isCardFile({ ...file, mime }) && bytes.size <= largestCard ? readCards(await bytes.read(0, bytes.size)) : []
      if (isFilled(cards)) return prepareCards(connector, session, cards, message, key)
      const { takeMedia, sendMedia } = session
      if (!takeMedia || !sendMedia) throw new MediaFailure('refused', `${connector.info.title} carries no files.`)
      const kind = fitting(file.kind, sniffed)
      const taken = await takeMedia({ kind, name: file.name, mime, size: bytes.size, open: () => bytes.stream() })
      // Nobody has seen anything yet, so it may be given again.
      if (taken.kind === 'unknown') return async () => ({ ...taken, kind: 'retry' })
      if (taken.kind !== 'taken') return async () => taken
      const caption = file.caption === undefined ? {} : { caption: file.caption }
      return () => sendMedia({ ...message, media: taken, name: file.name, ...caption }, key)
    } finally {
      await bytes.discard()
    }
  } catch (error) {
    if (!(error instanceof MediaFailure)) throw error
    const kind = error.transient ? 'retry' : 'refused'
    return async () => ({ kind, class: 'media', words: error.message })
  }
}

/** Contact cards as such, or in words. */
function prepareCards(
  connector: Kit['connector'],
  session: Session,
  contacts: readonly [ContactCard, ...ContactCard[]],
  message: { readonly to: Address; readonly replyTo?: string; readonly byHuman?: true },
  key: string,
): () => Promise<SendResult> {
  const { sendContacts } = session
  if (sendContacts) return () => sendContacts({ ...message, contacts }, key)
  const [text = ''] = connector.split(contacts.map((card) => cardText(card, false)).join('\n'))
  return () => session.send({ ...message, text }, key)
}

function isFilled(cards: readonly ContactCard[]): cards is readonly [ContactCard, ...ContactCard[]] {
  return cards.length > 0
}

/** What the bytes are decides: a picture that is none goes as a file. */
function fitting(claimed: MediaKind, sniffed: 'image' | 'video' | 'audio' | 'file'): MediaKind {
  if (claimed === 'sticker') return sniffed === 'image' ? 'sticker' : sniffed
  if (claimed === 'voice') return sniffed === 'audio' ? 'voice' : sniffed
  return claimed === 'file' ? 'file' : sniffed
}
