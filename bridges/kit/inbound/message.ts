import type { InboundMessage, InboundUnsupported } from '../connector.ts'
import { ensureGhost, ghostIdOf, nameOf, resolveContact } from '../ghosts.ts'
import { writeOrigin } from '../hub/origin.ts'
import { queueFor, type Said, type Speaker } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { eventsOf, rememberMessage } from '../messages.ts'
import { networkTitles } from '../names.ts'
import { answeredIn } from '../outbound/answered.ts'
import { learnSent } from '../outbox.ts'
import { ensurePortal, ensureRoom } from '../portal.ts'
import { sendOnce, transactionId } from '../send.ts'
import { hasMessage } from '../store/messages.store.ts'
import { selectOutboxByKey, selectOutboxByRemote, selectUnsettled } from '../store/outbox.store.ts'
import { type PortalRow, selectPortalsIn } from '../store/portals.store.ts'

/**
 * Brings a message of the network into its room, once. Our own sends that the network echoes are recognised by the id they got, the tag they carry,
 * or (when a send was cut off before its id was known) their text; they only settle what became of the send.
 */
export async function applyMessage(kit: Kit, event: InboundMessage | InboundUnsupported): Promise<void> {
  const { store, vault } = kit
  const login = loginOf(kit, event.account)
  if (login === undefined) return
  const contact = resolveContact(kit, login, event.chat)
  const portal = ensurePortal(kit, login, contact)
  const remote = vault.blind('message', event.id)
  if (hasMessage(store, portal.portal, remote) || (event.own && settleEcho(kit, portal, remote, event))) return
  kit.checkpoint('portal known')
  await ensureGhost(kit, contact)
  const room = await ensureRoom(kit, portal)
  const sender = event.own ? kit.matrix.botUserId : ghostIdOf(kit, contact)
  const [target] = event.replyTo === undefined ? [] : eventsOf(kit, portal.portal, event.replyTo)
  const answers = event.own ? undefined : await answeredIn(kit, room, target, othersIn(kit, portal, room))
  const planned = {
    txn: transactionId('in', portal.portal, remote),
    room,
    sender,
    type: 'm.room.message',
    content: { ...contentOf(kit, portal, event, target !== undefined), ...(target === undefined ? {} : inReplyTo(target)) },
    ts: originTime(event.at, kit.clock()),
    encrypted: true,
  }
  await sendOnce(kit, planned, (sent) => {
    rememberMessage(kit, { portal: portal.portal, id: event.id, part: 0, event: sent, own: event.own })
    if (!event.own && event.type === 'message') relay(kit, portal, { event: sent, room, text: event.text, answers })
  })
}

/** What one spoke's person says goes to this bridge's other spokes in the room at once; the other bridges read it in the room. */
function relay(kit: Kit, portal: PortalRow, said: Omit<Said, 'speaker'>): void {
  queueFor(kit, { ...said, speaker: speakerIn(kit, portal) }, othersIn(kit, portal, said.room))
}

/** How the person of a chat is called where others read them. */
function speakerIn(kit: Kit, { contact }: PortalRow): Speaker {
  return { name: nameOf(kit, contact), app: networkTitles[kit.connector.info.network] }
}

function othersIn({ store }: Kit, { portal }: PortalRow, room: string): readonly PortalRow[] {
  return selectPortalsIn(store, room).filter((other) => other.portal !== portal)
}

function inReplyTo(event: string): Record<string, unknown> {
  return { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } }
}

function contentOf(kit: Kit, portal: PortalRow, event: InboundMessage | InboundUnsupported, knowsTarget: boolean): Record<string, unknown> {
  const { network, title } = kit.connector.info
  const name = nameOf(kit, portal.contact)
  const relayed = !event.own && event.type === 'message'
  const origin = writeOrigin({ network, spoke: portal.portal, name, hop: 1, relay: relayed })
  if (event.type === 'message') {
    const text = event.replyTo === undefined || knowsTarget ? event.text : `↩ To an earlier message:\n${event.text}`
    const body = event.own ? `To ${name}, from ${title}: ${text}` : text
    return { msgtype: 'm.text', body, ...origin }
  }
  const caption = event.text ? `: ${event.text}` : ''
  return { msgtype: 'm.notice', body: `Sent something that is not carried yet (${event.nativeType})${caption}`, ...origin }
}

function settleEcho(kit: Kit, portal: PortalRow, remote: string, event: InboundMessage | InboundUnsupported): boolean {
  const { store, vault } = kit
  if (selectOutboxByRemote(store, remote)) return true
  const tagged = event.tag === undefined ? undefined : selectOutboxByKey(store, event.tag)
  const sameText = selectUnsettled(store, portal.portal).find(
    ({ kind, key, payload }) =>
      event.type === 'message' &&
      kind !== 'reaction' &&
      kind !== 'media' &&
      payload !== null &&
      vault.open(payload, `outbox ${key}`) === event.text,
  )
  const ours = tagged ?? sameText
  if (!ours) return false
  store.atomically(() => learnSent(kit, ours, event.id))
  return true
}

const mostAheadMs = 5 * 60_000

/** The network's time, unless it lies in the future or before there were phones: then the time of arrival. */
function originTime(at: number | undefined, now: number): number {
  return at === undefined || at > now + mostAheadMs || at < Date.UTC(2000, 0) ? now : at
}
