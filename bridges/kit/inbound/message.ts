import type { InboundMessage, InboundUnsupported } from '../connector.ts'
import { ensureGhost, ghostIdOf, nameOf, resolveContact } from '../ghosts.ts'
import { writeOrigin } from '../hub/origin.ts'
import { queueFor } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { networkTitles } from '../names.ts'
import { learnSent } from '../outbox.ts'
import { ensurePortal, ensureRoom } from '../portal.ts'
import { sendOnce, transactionId } from '../send.ts'
import { hasMessage, insertMessage } from '../store/messages.store.ts'
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
  const planned = {
    txn: transactionId('in', portal.portal, remote),
    room,
    sender,
    type: 'm.room.message',
    content: contentOf(kit, portal, event),
    ts: originTime(event.at, kit.clock()),
    encrypted: true,
  }
  await sendOnce(kit, planned, (sent) => {
    const remoteId = vault.seal(event.id, `message ${remote}`)
    insertMessage(store, { portal: portal.portal, remote, part: 0, event: sent, remoteId, own: event.own })
    if (!event.own && event.type === 'message') relay(kit, portal, room, sent, event.text)
  })
}

/** What one spoke's person says goes to this bridge's other spokes in the room at once; the other bridges read it in the room. */
function relay(kit: Kit, portal: PortalRow, room: string, event: string, text: string): void {
  const speaker = { name: nameOf(kit, portal.contact), app: networkTitles[kit.connector.info.network] }
  const others = selectPortalsIn(kit.store, room).filter((other) => other.portal !== portal.portal)
  queueFor(kit, { event, room, text, speaker }, others)
}

function contentOf(kit: Kit, portal: PortalRow, event: InboundMessage | InboundUnsupported): Record<string, unknown> {
  const { network, title } = kit.connector.info
  const name = nameOf(kit, portal.contact)
  const relayed = !event.own && event.type === 'message'
  const origin = writeOrigin({ network, spoke: portal.portal, name, hop: 1, relay: relayed })
  if (event.type === 'message') {
    const body = event.own ? `To ${name}, from ${title}: ${event.text}` : event.text
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
    ({ key, payload }) => event.type === 'message' && payload !== null && vault.open(payload, `outbox ${key}`) === event.text,
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
