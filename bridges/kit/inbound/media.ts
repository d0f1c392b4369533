import type { InboundMedia, RemoteMedia } from '../connector.ts'
import { Later } from '../feed.ts'
import { largestFile } from '../files.ts'
import type { Kit } from '../kit.ts'
import { MediaFailure } from '../media/failure.ts'
import type { TakenIn } from '../media/take-in.ts'
import { sendOnce, transactionId } from '../send.ts'
import { hasPart, selectSend, selectSendTime } from '../store/messages.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { formattedOf } from './content.ts'
import { fileContent, isSticker, type Thumbnail, wordFor } from './file-content.ts'
import type { Moment } from './moment.ts'

type FileType = 'm.room.message' | 'm.sticker'
type Fetched =
  | { readonly kind: 'file'; readonly type: FileType; readonly content: Record<string, unknown> }
  | { readonly kind: 'missing'; readonly words: string }
  | { readonly kind: 'later'; readonly why: Later }

/** So long a file holds up its chat; then a few words take its place, and it comes when it can be had. */
const promptMs = 10_000
const patienceMs = 15 * 60_000

/** Where the files of a message go, and what stands in each of their events. */
export type Frame = {
  readonly portal: PortalRow
  readonly room: string
  readonly sender: string
  readonly remote: string
  readonly ts: number
  readonly lead: string
  readonly moment: Moment
  marks(relay: boolean): Record<string, unknown>
  /** In the transaction that notes an event: what follows from it. */
  noted(event: string, index: number, file: { type: FileType; content: Record<string, unknown> } | undefined): void
}

/**
 * Brings the files of a message into its room one after another, each an event of its own, each once. One that cannot be had yet holds up the chat for
 * a moment; then words stand in its place, and `late` is given. Called again as late, it brings what has come meanwhile, and throws `Later` for the rest.
 */
export async function bringFiles(kit: Kit, event: InboundMedia, frame: Frame): Promise<'late' | undefined> {
  const places = event.media.map((_, index) => placeOf(event, frame, index))
  const states = []
  for (const place of places) states.push(await (isHeld(kit, place) ? bringLate : bringOne)(kit, event, frame, place))
  const waits = states.find((state) => state instanceof Later)
  if (frame.moment.late && waits) throw waits
  return waits || states.includes('late') ? 'late' : undefined
}

type Place = {
  readonly index: number
  readonly words: string
  /** The transactions of the file, of the words in its place, and of what becomes of these. */
  readonly txn: string
  readonly held: string
  readonly end: string
}

function placeOf(event: InboundMedia, { portal, remote, lead }: Frame, index: number): Place {
  return {
    index,
    words: index === 0 ? `${lead}${event.text ?? ''}`.trimEnd() : '',
    ...transactionsOf(portal.portal, remote, index),
  }
}

/** The room into which files of a message began to come: the rest comes there too, wherever the chat is by now. Undefined before the first. */
export function roomOfFiles({ store }: Kit, { portal }: PortalRow, remote: string, count: number): string | undefined {
  for (let index = 0; index < count; index++) {
    const { txn, held } = transactionsOf(portal, remote, index)
    const room = (selectSend(store, held) ?? selectSend(store, txn))?.room
    if (room !== undefined) return room
  }
  return undefined
}

function transactionsOf(portal: string, remote: string, index: number): Pick<Place, 'txn' | 'held' | 'end'> {
  return {
    txn: transactionId('in', portal, remote, ...(index === 0 ? [] : [index])),
    held: transactionId('held', portal, remote, index),
    end: transactionId('held no more', portal, remote, index),
  }
}

function isHeld({ store }: Kit, { held }: Place): boolean {
  return selectSend(store, held) !== undefined
}

async function bringOne(kit: Kit, event: InboundMedia, frame: Frame, place: Place): Promise<'late' | undefined> {
  const { index, words } = place
  if (hasPart(kit.store, frame.portal.portal, frame.remote, index)) return undefined
  const fetched = await fetchFile(kit, event, frame, place)
  kit.checkpoint('file fetched')
  if (fetched.kind === 'file') return sendFile(kit, event, frame, place, fetched)
  if (fetched.kind === 'later' && kit.clock() - frame.moment.since < promptMs) throw fetched.why
  const isLate = fetched.kind === 'later'
  const kind = wordFor(event.media[index]?.kind ?? 'file')
  const body = isLate ? `Sent a ${kind} that is still being fetched. It comes as soon as it can be had.` : fetched.words
  const content = { msgtype: 'm.notice', body: words === '' ? body : `${words}\n${body}`, ...frame.marks(false) }
  const { room, sender, ts } = frame
  const planned = { txn: isLate ? place.held : place.txn, room, sender, type: 'm.room.message', content, ts, encrypted: true }
  await sendOnce(kit, planned, (sent) => frame.noted(sent, index, undefined))
  return isLate ? 'late' : undefined
}

async function sendFile(
  kit: Kit,
  event: InboundMedia,
  frame: Frame,
  { txn, index }: Place,
  { type, content: shown }: Extract<Fetched, { kind: 'file' }>,
  part = index,
): Promise<undefined> {
  const { room, sender, ts } = frame
  const content = { ...shown, ...frame.marks(!event.own) }
  const planned = { txn, room, sender, type, content, ts, encrypted: true }
  await sendOnce(kit, planned, (sent) => frame.noted(sent, part, event.own ? undefined : { type, content: shown }))
  return undefined
}

/** Parts of a message that came later than the words in their place are counted from here. */
const lateParts = 1000

/** The file whose place words have taken: it comes as a message of its own, or the words say at last why it does not. */
async function bringLate(kit: Kit, event: InboundMedia, frame: Frame, place: Place): Promise<Later | undefined> {
  const { room } = frame
  const standing = await holdPlace(kit, frame, place)
  const end = (words: string) => endHold(kit, frame, place, standing, words)
  if (selectSend(kit.store, place.end)?.event) return undefined
  const kind = wordFor(event.media[place.index]?.kind ?? 'file')
  const came = `Sent a ${kind}. It came later and stands below.`
  if (selectSend(kit.store, place.txn)?.event) return end(came)
  // What was taken back meanwhile is not brought.
  if (await isRedacted(kit, room, standing)) return undefined
  const fetched = await fetchFile(kit, event, frame, place)
  kit.checkpoint('late file fetched')
  if (await isRedacted(kit, room, standing)) return undefined
  if (fetched.kind === 'later') return laterStill(kit, place, fetched.why)
  if (fetched.kind === 'missing') return end(fetched.words)
  await sendFile(kit, event, frame, place, fetched, lateParts + place.index)
  return end(came)
}

async function isRedacted({ matrix }: Kit, room: string, event: string): Promise<boolean> {
  const unsigned = (await matrix.event(room, event))?.['unsigned']
  return typeof unsigned === 'object' && unsigned !== null && 'redacted_because' in unsigned
}

const seldomMs = 30_000

/** Each wait is as long as all before it: networks shut out whoever asks in vain too often. */
function laterStill({ store, clock }: Kit, { held }: Place, { message, afterMs = 0 }: Later): Later {
  const waited = clock() - (selectSendTime(store, held) ?? clock())
  return new Later(message, Math.max(afterMs, waited, seldomMs))
}

/** The words in the place of a file; sent to the end when that was cut off. */
async function holdPlace(kit: Kit, frame: Frame, { held, index }: Place): Promise<string> {
  const { room, sender } = frame
  const planned = { txn: held, room, sender, type: 'm.room.message', content: {}, encrypted: true }
  return sendOnce(kit, planned, (sent) => frame.noted(sent, index, undefined))
}

async function endHold(kit: Kit, frame: Frame, place: Place, standing: string, said: string): Promise<undefined> {
  const { room, sender } = frame
  const written = { msgtype: 'm.notice', body: place.words === '' ? said : `${place.words}\n${said}` }
  const relation = { rel_type: 'm.replace', event_id: standing }
  const content = { ...written, body: `* ${written.body}`, 'm.new_content': written, ...frame.marks(false), 'm.relates_to': relation }
  await sendOnce(kit, { txn: place.end, room, sender, type: 'm.room.message', content, encrypted: true })
  return undefined
}

/**
 * Fetches one file of a message and gives it to the homeserver as the sender's. What the network refuses, and what it could not give for a quarter of an
 * hour, is missing.
 */
async function fetchFile(
  kit: Kit,
  event: InboundMedia,
  { portal, room, sender, moment }: Frame,
  { index, words, held }: Place,
): Promise<Fetched> {
  const media = event.media[index]
  if (!media) throw new RangeError('no such file')
  const since = selectSendTime(kit.store, held) ?? moment.since
  const patient = kit.clock() - since < patienceMs
  const later = (why: string, afterMs?: number): Fetched => ({ kind: 'later', why: new Later(why, afterMs) })
  const session = kit.sessions.get(portal.login)
  if (!session?.fetchMedia) return missing(kit, media, 'It is not carried yet.')
  try {
    const opened = await session.fetchMedia(media, { message: event.id, index }, largestFile)
    if (opened.kind !== 'open') {
      if (opened.kind === 'refused' || !patient) return missing(kit, media, opened.words)
      return later(`a file: ${opened.class}`, opened.kind === 'retry' ? opened.retryAfterMs : undefined)
    }
    const taken = await kit.files.take(opened.body, opened.mime ?? media.mime)
    try {
      const encrypted = await kit.encryption.isEncrypted(room)
      const uploaded = await kit.files.upload(sender, taken, encrypted)
      const thumbnail = await thumbnailOf(kit, sender, taken, encrypted)
      const caption = words.trim() === '' ? undefined : words
      const type = isSticker(media, taken, caption) ? 'm.sticker' : 'm.room.message'
      const formatted = caption === undefined ? {} : formattedOf(kit.connector.markup, caption)
      return { kind: 'file', type, content: { ...fileContent(media, taken, uploaded, caption, thumbnail), ...formatted } }
    } finally {
      await taken.bytes.discard()
    }
  } catch (error) {
    if (!(error instanceof MediaFailure)) {
      if (!patient) throw error
      return later('a file broke off')
    }
    return error.transient && patient ? later(`a file: ${error.class}`) : missing(kit, media, error.message)
  }
}

/** What clients show before they fetch a large picture: the homeserver cannot make it of ciphertext. */
async function thumbnailOf(kit: Kit, sender: string, taken: TakenIn, encrypted: boolean): Promise<Thumbnail | undefined> {
  const small = await kit.files.thumbnail(taken)
  if (small === undefined) return undefined
  try {
    return { small, uploaded: await kit.files.upload(sender, small, encrypted) }
  } finally {
    await small.bytes.discard()
  }
}

function missing({ connector }: Pick<Kit, 'connector'>, { kind }: RemoteMedia, why: string): Fetched {
  return {
    kind: 'missing',
    words: `Sent a ${wordFor(kind)} that could not be fetched. ${why} Look into the chat on ${connector.info.title}, or ask for it again.`,
  }
}
