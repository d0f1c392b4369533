import type { Kit } from '../kit.ts'
import { guardText, speakerPrefix } from '../names.ts'
import { forgetPayloadOf, isWithdrawn, type OutboxRow, selectAbout, selectParts, updateOutbox } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { queueFor, queuePart, refuseFor, type Speaker } from './relay.ts'

type CorrectionKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock' | 'sessions'>
type About = { readonly event: string; readonly room: string; readonly target: string; readonly speaker: Speaker | undefined }

const correctableMs = 15 * 60_000
const withdrawableMs = 24 * 3_600_000
/** What a correction in words begins with. */
export const correctedMark = '✏️ Corrected: '
const arrived: ReadonlySet<string> = new Set(['submitting', 'unknown', 'submitted', 'sent', 'delivered', 'read'])

/**
 * Where the network can change what was sent, it does. Elsewhere a correction is told in words, once for a message and for a quarter of an hour; in the
 * caller's transaction. Chats that the message was not carried to learn nothing.
 */
export function queueCorrection(kit: CorrectionKit, { text, ...about }: About & { text: string }, chats: readonly PortalRow[]): void {
  const { event, room, target } = about
  const { title } = kit.connector.info
  for (const chat of chats) {
    const parts = selectParts(kit.store, target, chat.portal)
    if (!parts.some(({ state }) => arrived.has(state) || state === 'queued')) continue
    if (queueEdit(kit, { ...about, text }, chat, parts)) continue
    const told = selectAbout(kit.store, chat.portal, target, 'correction').some((row) => row.event !== event && row.state !== 'unsupported')
    if (told || isOlder(kit, parts, correctableMs)) {
      const words = `A correction is told on ${title} once, within 15 minutes. Write it as a new message.`
      refuseFor(kit, { event, room, target, kind: 'correction', state: 'unsupported', class: 'too_late', words }, [chat])
    } else queueFor(kit, { ...about, text: `${correctedMark}${text}`, answers: { event: target }, kind: 'correction' }, [chat])
  }
}

/** A message in one part becomes another such message. */
function queueEdit(
  kit: CorrectionKit,
  { event, room, target, text, speaker }: About & { text: string },
  { portal, login }: PortalRow,
  parts: readonly OutboxRow[],
): boolean {
  const words = speaker ? speakerPrefix(speaker.name, speaker.app) + guardText(text).trimStart() : text
  const canEdit = kit.sessions.get(login)?.edit !== undefined && parts.length === 1 && parts[0]?.kind === 'text'
  if (!canEdit || kit.connector.split(words).length !== 1) return false
  queuePart(kit, { kind: 'edit', event, room, portal, target }, words)
  return true
}

/**
 * What has not been sent yet is not sent. What has been is taken back on the network; where that cannot be, its withdrawal is told in words, once and for
 * a day. In the caller's transaction.
 */
export function queueWithdrawal(kit: CorrectionKit, about: About, chats: readonly PortalRow[]): void {
  const { store, clock } = kit
  forgetPayloadOf(store, { event: about.target, room: about.room })
  for (const chat of chats) {
    const parts = selectParts(store, about.target, chat.portal)
    const corrections = (['edit', 'correction'] as const).flatMap((kind) => selectAbout(store, chat.portal, about.target, kind))
    for (const part of [...parts, ...corrections]) if (part.state === 'queued') updateOutbox(store, part, { state: 'cancelled' }, clock())
    if (!parts.some(({ state }) => arrived.has(state))) continue
    if (isWithdrawn(store, { portal: chat.portal, event: about.target, kind: 'text', target: null })) continue
    if (kit.sessions.get(chat.login)?.withdraw) {
      queuePart(kit, { kind: 'undo', event: about.event, room: about.room, portal: chat.portal, target: about.target }, '')
      continue
    }
    if (isOlder(kit, parts, withdrawableMs)) {
      // Nothing is told of it any more, but what may not have arrived is not sent again either.
      refuseFor(kit, { ...about, kind: 'withdrawal', state: 'cancelled', class: 'too_late', words: '' }, [chat])
      continue
    }
    const text = about.speaker ? '🗑 took this message back.' : '🗑 This message was taken back.'
    queueFor(kit, { ...about, text, answers: { event: about.target }, kind: 'withdrawal' }, [chat])
  }
}

/**
 * A part that was taken back while nobody knew what became of it did not arrive: it is not sent any more, and when nothing of its message has arrived,
 * there is nothing to take back either. In the caller's transaction.
 */
export function callOff({ store, clock }: Pick<Kit, 'store' | 'clock'>, row: OutboxRow): void {
  const { event, portal } = row
  updateOutbox(store, row, { state: 'cancelled' }, clock())
  if (selectParts(store, event, portal).some(({ state }) => arrived.has(state))) return
  const told = (['undo', 'withdrawal'] as const).flatMap((kind) => selectAbout(store, portal, event, kind))
  for (const part of told) if (part.state === 'queued') updateOutbox(store, part, { state: 'cancelled' }, clock())
}

function isOlder({ clock }: CorrectionKit, parts: readonly OutboxRow[], ms: number): boolean {
  const sentAt = parts.find(({ submitted_at: at }) => at !== null)?.submitted_at ?? clock()
  return clock() - sentAt > ms
}
