import type { InboundMedia, InboundSaid } from '../connector.ts'
import { ensureGhost, ghostIdOf, resolveContact } from '../ghosts.ts'
import { askNewcomer, heedWord } from '../hub/consent.ts'
import { nameIn } from '../hub/consent-names.ts'
import { writeOrigin } from '../hub/origin.ts'
import { queueFile, queueFor, type Said } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { eventsOf, rememberMessage } from '../messages.ts'
import { answeredIn } from '../outbound/answered.ts'
import { fileOf } from '../outbound/file.ts'
import { learnSent } from '../outbox.ts'
import { ensurePortal, ensureRoom } from '../portal.ts'
import { sendOnce, transactionId } from '../send.ts'
import { hasContent, hasMessage, placeholderPart, selectPlaceholder } from '../store/messages.store.ts'
import { selectOutboxByKey, selectOutboxByRemote, selectUnsettled } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { hasLeft } from '../store/spokes.store.ts'
import { updateWroteAt } from '../store/windows.store.ts'
import { marksOf, type Rendered, render } from './content.ts'
import { bringFiles, roomOfFiles } from './media.ts'
import type { Moment } from './moment.ts'
import { originTime } from './origin-time.ts'
import { othersIn, speakerIn } from './spokes.ts'

/**
 * Brings a message of the network into its room, once. Gives `late` when files of it are still to be fetched. Our own sends that the network echoes are recognised by the id they got, the tag they carry,
 * or (when a send was cut off before its id was known) their text; they only settle what became of the send.
 */
export async function applyMessage(kit: Kit, event: InboundSaid, moment: Moment): Promise<'late' | undefined> {
  const { store, vault } = kit
  const login = loginOf(kit, event.account)
  if (login === undefined) return undefined
  const contact = resolveContact(kit, login, event.chat)
  const portal = ensurePortal(kit, login, contact)
  const remote = vault.blind('message', event.id)
  const isNote = event.type === 'unsupported'
  const isThere = event.type !== 'media' && (isNote ? hasMessage : hasContent)(store, portal.portal, remote)
  if (isThere || (event.own && settleEcho(kit, portal, remote, event))) return undefined
  if (await heedWord(kit, portal, event)) return undefined
  kit.checkpoint('portal known')
  await ensureGhost(kit, contact)
  kit.checkpoint('ghost known')
  const begun = event.type === 'media' ? roomOfFiles(kit, portal, remote, event.media.length) : undefined
  // Whoever has left a shared room brings nothing into it any more.
  if (begun !== undefined && hasLeft(store, portal.portal, begun)) return undefined
  const room = begun ?? (await ensureRoom(kit, portal))
  const sender = event.own ? kit.matrix.botUserId : ghostIdOf(kit, contact)
  const [target] = event.replyTo === undefined ? [] : eventsOf(kit, portal.portal, event.replyTo)
  const answers = event.own ? undefined : await answeredIn(kit, room, target, othersIn(kit, portal, room))
  const ts = originTime(event.at, kit.clock())
  if (!event.own && !moment.late) updateWroteAt(store, portal.portal, ts, remote)
  if (!isNote) await endPlaceholder(kit, { portal: portal.portal, remote, room, sender })
  const marks = (relay: boolean) => ({ ...originOf(kit, portal, relay), ...(target === undefined ? {} : inReplyTo(target)) })
  if (event.type === 'media') {
    return bringFiles(kit, event, {
      ...{ portal, room, sender, remote, ts, marks, moment },
      lead: `${leadOf(kit, portal, event)}${marksOf(event, event.replyTo !== undefined && target === undefined)}`,
      noted(sent, part, shown) {
        rememberMessage(kit, { portal: portal.portal, id: event.id, part, event: sent, own: event.own })
        if (!event.own && part === 0) askNewcomer(kit, portal, room)
        const file = shown && fileOf(shown.type, shown.content)
        if (file) queueFile(kit, { event: sent, room, file, answers, speaker: speakerIn(kit, portal) }, othersIn(kit, portal, room))
      },
    })
  }
  const rendered = renderIn(kit, portal, event, target !== undefined)
  const text = event.own ? undefined : rendered.text
  const planned = {
    txn: transactionId('in', portal.portal, remote, ...(isNote ? ['placeholder'] : [])),
    room,
    sender,
    type: 'm.room.message',
    content: { ...rendered.content, ...marks(text !== undefined) },
    ts,
    encrypted: true,
  }
  await sendOnce(kit, planned, (sent) => {
    const part = isNote ? placeholderPart : 0
    rememberMessage(kit, { portal: portal.portal, id: event.id, part, event: sent, own: event.own })
    if (!event.own) askNewcomer(kit, portal, room)
    if (text !== undefined) relay(kit, portal, { event: sent, room, text, answers, place: rendered.place })
  })
}

/** The note that stood in the place of a message goes before the message comes. */
async function endPlaceholder(
  { store, matrix, checkpoint }: Kit,
  { portal, remote, room, sender }: { portal: string; remote: string; room: string; sender: string },
): Promise<void> {
  const event = selectPlaceholder(store, portal, remote)
  if (event === undefined || hasContent(store, portal, remote) || (await matrix.event(room, event)) === undefined) return
  await matrix.redact({ txn: transactionId('placeholder', event), room, sender, event })
  checkpoint('placeholder redacted')
}

/** What one spoke's person says goes to this bridge's other spokes in the room at once; the other bridges read it in the room. */
function relay(kit: Kit, portal: PortalRow, said: Omit<Said, 'speaker'>): void {
  queueFor(kit, { ...said, speaker: speakerIn(kit, portal) }, othersIn(kit, portal, said.room))
}

function renderIn(kit: Kit, portal: PortalRow, event: Exclude<InboundSaid, InboundMedia>, knowsTarget: boolean): Rendered {
  const answersUnknown = event.replyTo !== undefined && !knowsTarget
  return render(event, {
    ...{ lead: leadOf(kit, portal, event), shared: portal.hub === 1, answersUnknown },
    markup: kit.connector.markup,
  })
}

/** Stands before what the account itself wrote elsewhere. */
function leadOf(kit: Kit, portal: PortalRow, { own }: Pick<InboundSaid, 'own'>): string {
  return own ? `To ${nameIn(kit, portal)}, from ${kit.connector.info.title}: ` : ''
}

function originOf(kit: Kit, chat: PortalRow, relay: boolean): Record<string, unknown> {
  return writeOrigin({ network: kit.connector.info.network, spoke: chat.portal, name: nameIn(kit, chat), hop: 1, relay })
}

function inReplyTo(event: string): Record<string, unknown> {
  return { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } }
}

function settleEcho(kit: Kit, portal: PortalRow, remote: string, event: InboundSaid): boolean {
  const { store, vault } = kit
  if (selectOutboxByRemote(store, remote)) return true
  // It came before, and was none of ours.
  if (hasMessage(store, portal.portal, remote)) return false
  const tagged = event.tag === undefined ? undefined : selectOutboxByKey(store, event.tag)
  // Where the network gives no tag back: by its text, or as the file that is on its way.
  const alike = selectUnsettled(store, portal.portal).find(({ kind, key, payload, remote: id, lead }) => {
    if (id !== null || payload === null || kind === 'reaction') return false
    if (kind === 'media' || event.type === 'media') return kind === 'media' && event.type === 'media' && event.tag === undefined
    const words = event.type === 'message' ? vault.open(payload, `outbox ${key}`) : ''
    return event.type === 'message' && (words === event.text || (lead > 0 && words.slice(lead) === event.text))
  })
  const ours = tagged ?? alike
  if (!ours) return false
  store.atomically(() => learnSent(kit, ours, event.id))
  return true
}
