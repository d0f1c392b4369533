import type { MediaKind, Place } from '../connector.ts'
import type { Kit } from '../kit.ts'
import { isKnownIn } from '../messages.ts'
import { guardText, speakerPrefix } from '../names.ts'
import { isCardFile } from '../outbound/card.ts'
import { insertOutbox, type NewOutboxRow, type OutboxKind } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'

export type Speaker = { readonly name: string; readonly app: string }
/** What somebody said in a room, ready to be carried to chats. `speaker` is undefined where the chat is theirs alone. */
export type Said = {
  readonly event: string
  readonly room: string
  readonly text: string
  readonly speaker: Speaker | undefined
  /** The event that it answers, and its words for those who do not have it. */
  readonly answers?: Answered | undefined
  readonly kind?: 'text' | 'correction' | 'withdrawal'
  /** What the text says is a place: goes as one to those who take places. */
  readonly place?: Place | undefined
}
export type Answered = { readonly event: string; readonly quote?: string | undefined }

type OutboxKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock' | 'sessions'>
type Queued = Pick<NewOutboxRow, 'event' | 'room' | 'portal'> & Partial<NewOutboxRow>

/** Queues what was said for each of the chats; in the caller's transaction. What is queued already is not queued again. */
export function queueFor(kit: OutboxKit, said: Said, chats: readonly PortalRow[]): void {
  const { event, room, speaker, answers, place, kind = 'text' } = said
  for (const chat of chats) {
    const { portal } = chat
    if (place && kit.sessions.get(chat.login)?.sendPlace) {
      queuePlace(kit, { ...said, place }, chat)
      continue
    }
    const target = answers && isKnownIn(kit, portal, answers.event) ? answers.event : null
    const text = answers?.quote !== undefined && target === null ? `↩ “${answers.quote}”\n${said.text}` : said.text
    const guarded = speaker ? speakerPrefix(speaker.name, speaker.app) + guardText(text).trimStart() : text
    const parts = kit.connector.split(guarded)
    parts.forEach((words, part) => {
      const row = {
        kind,
        event,
        room,
        portal,
        part,
        parts: parts.length,
        target: part === 0 ? target : null,
        ...leadOf(kit, speaker, answers),
      }
      queuePart(kit, row, `${numbered(part, parts.length)}${speaker && part > 0 ? guardText(words) : words}`)
    })
  }
}

/** Who is named before what is said, and how much of it that takes; before an answer the name always stays. */
function leadOf({ vault }: Pick<Kit, 'vault'>, speaker: Speaker | undefined, answers?: Answered): Pick<NewOutboxRow, 'author' | 'lead'> {
  if (!speaker) return { author: null, lead: 0 }
  const prefix = speakerPrefix(speaker.name, speaker.app)
  return { author: vault.blind('author', prefix), lead: answers ? 0 : prefix.length }
}

/** Which of several parts it is. Connectors leave room for so much. */
function numbered(part: number, parts: number): string {
  return parts > 1 && parts < 100 ? `(${part + 1}/${parts}) ` : ''
}

/** A place as the network shows places; who sends it stands before it. */
function queuePlace(kit: OutboxKit, { event, room, speaker, answers, place }: Said & { place: Place }, { portal }: PortalRow): void {
  const target = answers && isKnownIn(kit, portal, answers.event) ? answers.event : null
  const lead = speaker ? [speakerPrefix(speaker.name, speaker.app).trimEnd()] : []
  const parts = lead.length + 1
  for (const words of lead) queuePart(kit, { event, room, portal, part: 0, parts, target }, words)
  const row = {
    kind: 'place' as const,
    event,
    room,
    portal,
    part: parts - 1,
    parts,
    target: parts === 1 ? target : null,
    ...leadOf(kit, speaker),
  }
  queuePart(kit, row, JSON.stringify(place))
}

/** A file of a room: where it is, and as what it was sent. */
export type RoomFile = {
  readonly kind: MediaKind
  readonly name: string
  readonly mime?: string | undefined
  readonly caption?: string | undefined
  readonly file?: unknown
  readonly url?: string | undefined
}

/** Queues a file for each of the chats; in the caller's transaction. Words that the network does not take as its caption go before it. */
export function queueFile(
  kit: OutboxKit,
  { file, ...said }: Omit<Said, 'text' | 'kind'> & { file: RoomFile },
  chats: readonly PortalRow[],
): void {
  const { event, room, speaker, answers } = said
  const { caption = '' } = file
  const words = speaker ? (speakerPrefix(speaker.name, speaker.app) + guardText(caption).trimStart()).trimEnd() : caption
  // A contact card has none.
  const isCaption = !isCardFile(file) && words.length <= (kit.connector.files?.[file.kind]?.caption ?? 0)
  const lead = isCaption || words === '' ? [] : kit.connector.split(words)
  for (const { portal } of chats) {
    const target = answers && isKnownIn(kit, portal, answers.event) ? answers.event : null
    const parts = lead.length + 1
    lead.forEach((text, part) => {
      queuePart(kit, { event, room, portal, part, parts, target: part === 0 ? target : null }, speaker && part > 0 ? guardText(text) : text)
    })
    const payload = JSON.stringify({ ...file, caption: isCaption && words !== '' ? words : undefined })
    const row = { kind: 'media' as const, event, room, portal, part: lead.length, parts, target: parts === 1 ? target : null }
    queuePart(kit, { ...row, ...leadOf(kit, speaker) }, payload)
  }
}

/** Puts one part of an event on its way to a chat, sealed. */
export function queuePart(kit: OutboxKit, row: Queued, payload: string): void {
  const key = outboxKey(kit, row.event, row.portal, row.part ?? 0)
  const sealed = kit.vault.seal(payload, `outbox ${key}`)
  insertOutbox(kit.store, { ...blank, ...row, key, payload: sealed, state: 'queued' }, kit.clock())
}

/** Notes that an event cannot be carried to the chats, and why, so that the room gets to see it. */
export function refuseFor(
  kit: OutboxKit,
  refused: {
    event: string
    room: string
    state: 'failed' | 'unsupported' | 'cancelled'
    class: string
    words: string
    kind?: OutboxKind
    target?: string
  },
  chats: readonly PortalRow[],
): void {
  for (const { portal } of chats) {
    const key = outboxKey(kit, refused.event, portal, 0)
    insertOutbox(kit.store, { ...blank, ...refused, portal, key }, kit.clock())
  }
}

const blank = { kind: 'text' as const, target: null, part: 0, parts: 1, payload: null, class: null, words: null, author: null, lead: 0 }

/** What goes along with a send and comes back from the network: says nothing, and nobody else can make it. */
function outboxKey({ vault }: Pick<Kit, 'vault'>, event: string, portal: string, part: number): string {
  return vault.blind('outbox', JSON.stringify([event, portal, part]))
}
