import { type Delivery, wholeDelivery } from '../delivery.ts'
import { reason } from '../feed.ts'
import { ghostIdOf } from '../ghosts.ts'
import { tellFailure } from '../hub/consent.ts'
import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { isTransient } from '../matrix/side.ts'
import { sendOnce, transactionId } from '../send.ts'
import { type OutboxRow, selectAllParts, selectOutbox, selectParts, selectUnshown, updateShown } from '../store/outbox.store.ts'
import { type PortalRow, selectPortal } from '../store/portals.store.ts'
import { selectWroteAt } from '../store/windows.store.ts'
import { windowOf } from './late-rules.ts'

/** A send whose outcome is not known gets this long to turn out well before the room is told in words. */
const unknownGraceMs = 10_000
const mostAtOnce = 500
const badEnds: readonly Delivery[] = ['failed', 'unknown', 'expired', 'unsupported']

/** Shows in the rooms what became of what was sent. Gives in how many milliseconds there may be more to show; undefined when there is not. */
export async function showStatuses(kit: Kit, signal: AbortSignal): Promise<number | undefined> {
  let later: number | undefined
  let shown = 0
  const rows = selectUnshown(kit.store, mostAtOnce)
  const seen = new Set<string>()
  for (const row of rows) {
    const what = row.event.startsWith('$') ? row.event : `${row.event} ${row.portal}`
    if (signal.aborted) return undefined
    const left = graceLeft(kit, row)
    if (left > 0) later = Math.min(left, later ?? left)
    if (left > 0 || seen.has(what)) continue
    seen.add(what)
    await showOrSkip(kit, row)
    shown++
  }
  return rows.length === mostAtOnce && shown > 0 ? 0 : later
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

async function showOne(kit: Kit, row: OutboxRow): Promise<void> {
  const isEvent = row.event.startsWith('$')
  const parts = (isEvent ? selectAllParts(kit.store, row.event) : selectParts(kit.store, row.event, row.portal)).filter(
    (part) => graceLeft(kit, part) <= 0,
  )
  if (isEvent) await showEvent(kit, row)
  else tellFailure(kit, row, wholeDelivery(parts.map((part) => part.state)))
  kit.checkpoint('state shown')
  kit.store.atomically(() => {
    for (const part of parts) {
      const now = selectOutbox(kit.store, part.seq)
      if (now?.state === part.state && now.waits === part.waits && !isPending(part)) updateShown(kit.store, part.seq, part.state)
    }
  })
}

function graceLeft({ clock }: Pick<Kit, 'clock'>, { state, changed_at: at }: OutboxRow): number {
  return state === 'unknown' ? at + unknownGraceMs - clock() : 0
}

/** What became of an event in one chat. */
type Reached = {
  readonly portal: PortalRow
  readonly state: Delivery
  /** Queued until the person writes again. */
  readonly isKept: boolean
  readonly why: OutboxRow | undefined
  readonly isNew: boolean
  /** How often it was sent once more, or put back to be. */
  readonly again: number
}

/**
 * Shows the state of an event, for all chats of this bridge that it goes to at once: when it is sent, delivered or read in all of them, and whenever it
 * went wrong in one. That a reaction got there needs no mention; that it did not, does.
 */
async function showEvent(kit: Kit, { event, room, kind }: OutboxRow): Promise<void> {
  const reached = reachedBy(kit, event)
  const bad = reached.filter(({ state, isKept }) => isKept || badEnds.includes(state))
  const isQuiet = (kind === 'reaction' || kind === 'withdrawal' || kind === 'undo') && bad.every(({ isKept }) => isKept)
  const state = wholeDelivery(reached.map((one) => one.state))
  const isUnderway = reached.some((one) => !one.isKept && !isSettled(one.state))
  if (!isQuiet && state !== 'cancelled' && (isUnderway ? bad.some(({ isNew }) => isNew) : reached.length > 0)) {
    await announce(kit, { event, room, state, reached, bad })
  }
  for (const { portal, state: one, isNew } of reached) {
    if (one === 'read' && isNew && kind !== 'reaction') await kit.matrix.markRead(ghostIdOf(kit, portal.contact), room, event)
  }
  if (kind !== 'reaction' && !isQuiet)
    await tellInWords(
      kit,
      { event, room },
      bad.filter(({ isNew }) => isNew),
    )
}

function reachedBy(kit: Kit, event: string): Reached[] {
  const byPortal = Map.groupBy(selectAllParts(kit.store, event), ({ portal }) => portal)
  return [...byPortal].flatMap(([id, parts]) => {
    const portal = selectPortal(kit.store, id)
    if (!portal) return []
    const waits = parts.some((part) => graceLeft(kit, part) > 0)
    const whole = wholeDelivery(parts.map(({ state }) => state))
    const state = waits ? 'submitting' : whole === 'submitted' ? 'sent' : whole
    const why = parts.find((part) => part.state === state && part.words !== null && !isPending(part))
    const isNew = parts.some((part) => part.state === whole && part.shown !== part.state && !isPending(part))
    const isKept = state === 'queued' && parts.some(({ waits }) => waits !== null)
    return [{ portal, state, isKept, why, isNew, again: Math.max(...parts.map((part) => part.again + part.returned)) }]
  })
}

/** On its way, with nothing to show. */
function isPending({ state, waits }: OutboxRow): boolean {
  return !isSettled(state) && waits === null
}

function isSettled(state: Delivery): boolean {
  return state !== 'queued' && state !== 'submitting'
}

type Shown = {
  readonly event: string
  readonly room: string
  readonly state: Delivery
  readonly reached: readonly Reached[]
  readonly bad: readonly Reached[]
}

/** Two events by the bot, each once for what they say. */
async function announce(kit: Kit, { event, room, state, reached, bad }: Shown): Promise<void> {
  const { network } = kit.connector.info
  const why = bad.find((one) => one.state === state)?.why
  const failed = bad.map(({ portal, state: end, why: row }) => ({ chat: portal.portal, state: end, reason: row?.class ?? 'other' }))
  const again = reached.reduce((sum, one) => sum + one.again, 0)
  const time = again > 0 ? [again] : []
  const relation = { 'm.relates_to': { rel_type: 'm.reference', event_id: event } }
  const base = { room, sender: kit.matrix.botUserId, encrypted: false }
  const delivery = {
    ...{ network, state, chats: reached.length },
    ...(reached.length === 1 ? { chat: reached[0]?.portal.portal } : failed.length > 0 ? { failed } : {}),
    ...closingOf(kit, reached),
    ...(why ? { reason: why.class ?? 'other', words: why.words ?? '' } : {}),
    ...relation,
  }
  const txn = transactionId('delivery', event, network, state, JSON.stringify(failed), ...time)
  await sendOnce(kit, { ...base, txn, type: 'org.tombolo.delivery', content: delivery })
  const arrived = reached.filter((one) => one.state === 'delivered' || one.state === 'read')
  const outcome = statusOf(state, arrived.map(({ portal }) => ghostIdOf(kit, portal.contact)).sort())
  const status = { network, ...outcome, ...(why?.words ? { message: why.words } : {}), ...relation }
  const statusTxn = transactionId('status', event, network, JSON.stringify(outcome), ...time)
  await sendOnce(kit, { ...base, txn: statusTxn, type: 'com.beeper.message_send_status', content: status })
}

/** Until when the network takes answers, where the room is one person's. */
function closingOf(kit: Kit, reached: readonly Reached[]): Record<string, unknown> {
  const [alone] = reached.length === 1 ? reached : []
  const wroteAt = alone && selectWroteAt(kit.store, alone.portal.portal)
  const window = alone && windowOf(kit, alone.portal)
  return wroteAt === undefined || window === undefined ? {} : { window: { closes_at: wroteAt + window } }
}

/** One notice for all chats in which the same went wrong. */
async function tellInWords(kit: Kit, { event, room }: { event: string; room: string }, bad: readonly Reached[]): Promise<void> {
  for (const [words, those] of Map.groupBy(bad, ({ why }) => why?.words ?? 'not sent.')) {
    const names = those.map(({ portal }) => nameIn(kit, portal, room)).join(', ')
    const reply = { 'm.relates_to': { 'm.in_reply_to': { event_id: event } } }
    const marks = those.map(({ portal, state, again }) => `${portal.portal} ${state}${again > 0 ? ` ${again}` : ''}`).sort()
    await sendOnce(kit, {
      ...{ room, sender: kit.matrix.botUserId, type: 'm.room.message', encrypted: true },
      txn: transactionId('notice', event, ...marks),
      content: { msgtype: 'm.notice', body: `${names}: ${words}${those.some(mayGoAgain) ? againHint : ''}`, ...reply },
    })
  }
}

const againHint = '\nTo send it once more, react to this with 🔁 or answer it with `!tombolo send again`.'

const hopeless: ReadonlySet<string | null> = new Set(['media', 'media_type', 'too_large', 'unsupported', 'parameter'])

/** Whether another try of what was said may come out otherwise, and it is still here. */
function mayGoAgain({ why, state }: Reached): boolean {
  const isSaid = why?.kind === 'text' || why?.kind === 'media' || why?.kind === 'place' || why?.kind === 'template'
  return isSaid && why.payload !== null && !hopeless.has(why.class) && (state === 'failed' || state === 'expired' || state === 'unknown')
}

function statusOf(state: Delivery, arrived: readonly string[]): Record<string, unknown> {
  switch (state) {
    case 'submitted':
    case 'sent':
      return { status: 'SUCCESS' }
    case 'delivered':
    case 'read':
      return { status: 'SUCCESS', delivered_to_users: arrived }
    case 'queued':
      return { status: 'PENDING', reason: 'm.foreign_network_error' }
    case 'unknown':
      return { status: 'FAIL_RETRIABLE', reason: 'm.foreign_network_error' }
    case 'unsupported':
      return { status: 'FAIL_PERMANENT', reason: 'com.beeper.unsupported_event' }
    default:
      return { status: 'FAIL_PERMANENT', reason: 'm.foreign_network_error' }
  }
}
