import { type Delivery, wholeDelivery } from '../delivery.ts'
import { reason } from '../feed.ts'
import { ghostIdOf } from '../ghosts.ts'
import { tellFailure } from '../hub/consent.ts'
import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { isTransient } from '../matrix/side.ts'
import { sendOnce, transactionId } from '../send.ts'
import { type OutboxRow, selectOutbox, selectParts, selectUnshown, updateShown } from '../store/outbox.store.ts'
import { type PortalRow, selectPortal } from '../store/portals.store.ts'

/** A send whose outcome is not known gets this long to turn out well before the room is told in words. */
const unknownGraceMs = 10_000
const badEnds: readonly Delivery[] = ['failed', 'unknown', 'expired', 'unsupported']

/** Shows in the rooms what became of what was sent. Gives in how many milliseconds there may be more to show; undefined when there is not. */
export async function showStatuses(kit: Kit, signal: AbortSignal): Promise<number | undefined> {
  let later: number | undefined
  const seen = new Set<string>()
  for (const row of selectUnshown(kit.store, 500)) {
    const chat = `${row.event} ${row.portal}`
    if (signal.aborted) return undefined
    if (seen.has(chat)) continue
    seen.add(chat)
    const left = row.state === 'unknown' ? row.changed_at + unknownGraceMs - kit.clock() : 0
    if (left > 0) later = Math.min(left, later ?? left)
    else await showOrSkip(kit, row)
  }
  return later
}

/** A room that will not take it (the bot was removed) must not hold up the others. */
async function showOrSkip(kit: Kit, row: OutboxRow): Promise<void> {
  try {
    await showOne(kit, row)
  } catch (error) {
    if (isTransient(error)) throw error
    kit.log('warn', 'a state cannot be shown', { seq: row.seq, why: reason(error) })
    updateShown(kit.store, row.seq, row.state)
  }
}

/** Shows the state of one event for one chat: two events by the bot, a receipt by the ghost, and words where it went wrong. */
async function showOne(kit: Kit, row: OutboxRow): Promise<void> {
  const parts = selectParts(kit.store, row.event, row.portal)
  const portal = selectPortal(kit.store, row.portal)
  const state = wholeDelivery(parts.map((part) => part.state))
  if (!row.event.startsWith('$')) tellFailure(kit, row, state)
  else if (portal && (parts.every((part) => settled(part.state)) || badEnds.includes(state))) await announce(kit, portal, row, state, parts)
  kit.store.atomically(() => {
    for (const part of parts) if (selectOutbox(kit.store, part.seq)?.state === part.state) updateShown(kit.store, part.seq, part.state)
  })
}

function settled(state: Delivery): boolean {
  return state !== 'queued' && state !== 'submitting'
}

async function announce(
  kit: Kit,
  portal: PortalRow,
  { event, room, kind }: OutboxRow,
  state: Delivery,
  parts: readonly OutboxRow[],
): Promise<void> {
  const { network } = kit.connector.info
  const ghost = ghostIdOf(kit, portal.contact)
  const why = parts.find((part) => part.state === state && part.words !== null)
  const reason = why ? { reason: why.class ?? 'other', words: why.words ?? '' } : {}
  const relation = { 'm.relates_to': { rel_type: 'm.reference', event_id: event } }
  const base = { room, sender: kit.matrix.botUserId, encrypted: false }
  const txn = (what: string) => transactionId(what, event, portal.portal, state)
  const delivery = { network, chat: portal.portal, state, ...reason, ...relation }
  await sendOnce(kit, { ...base, txn: txn('delivery'), type: 'org.tombolo.delivery', content: delivery })
  const outcome = statusOf(state, ghost)
  const status = { network, ...outcome, ...(why?.words ? { message: why.words } : {}), ...relation }
  const statusTxn = transactionId('status', event, portal.portal, JSON.stringify(outcome))
  await sendOnce(kit, { ...base, txn: statusTxn, type: 'com.beeper.message_send_status', content: status })
  if (state === 'read') await kit.matrix.markRead(ghost, room, event)
  if (!badEnds.includes(state) || kind === 'reaction') return
  const words = `${nameIn(kit, portal)}: ${why?.words ?? 'not sent.'}`
  const reply = { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } }
  const notice = {
    ...base,
    txn: txn('notice'),
    type: 'm.room.message',
    content: { msgtype: 'm.notice', body: words, ...reply },
    encrypted: true,
  }
  await sendOnce(kit, notice)
}

function statusOf(state: Delivery, ghost: string): Record<string, unknown> {
  switch (state) {
    case 'submitted':
    case 'sent':
      return { status: 'SUCCESS' }
    case 'delivered':
    case 'read':
      return { status: 'SUCCESS', delivered_to_users: [ghost] }
    case 'unknown':
      return { status: 'FAIL_RETRIABLE', reason: 'm.foreign_network_error' }
    case 'unsupported':
      return { status: 'FAIL_PERMANENT', reason: 'com.beeper.unsupported_event' }
    default:
      return { status: 'FAIL_PERMANENT', reason: 'm.foreign_network_error' }
  }
}
