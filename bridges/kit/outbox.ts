import type { SendResult } from './connector.ts'
import { type Delivery, mergeDelivery } from './delivery.ts'
import { createFeed, type Feed, Later } from './feed.ts'
import { addIdentities } from './ghosts.ts'
import { callOff } from './hub/correction.ts'
import type { Kit } from './kit.ts'
import { secretsOf } from './logins.ts'
import { rememberMessage } from './messages.ts'
import { checkWindow, putBack } from './outbound/kept.ts'
import { prepareSend } from './outbound/send.ts'
import { checkPace, countSend, emptyChat } from './rates/pace.ts'
import { checkHold, learnFrom } from './states.ts'
import { hasLaterMessage } from './store/messages.store.ts'
import {
  abandonSubmitting,
  countAttempt,
  isWithdrawn,
  type OutboxRow,
  selectLastSent,
  selectOutbox,
  takeOrphans,
  updateOutbox,
} from './store/outbox.store.ts'
import { selectPortal } from './store/portals.store.ts'
import { selectQueuedLanes, selectQueuedOf } from './store/queued.store.ts'
import { hasLeft } from './store/spokes.store.ts'
import { selectHeard } from './store/windows.store.ts'

type OutboxKit = Pick<Kit, 'store' | 'vault' | 'clock' | 'connector' | 'sessions' | 'files' | 'checkpoint' | 'coalesceMs' | 'late'>
type NewsKit = Pick<Kit, 'store' | 'vault' | 'clock' | 'connector' | 'sessions' | 'late'>
const interrupted =
  'The bridge stopped while this was being sent. It may have been sent: look into the chat on the network before sending it again.'
const mostTries = 200

/** Moves a part forward; news that is older than what is known changes nothing. Gives the row as it is now. */
export function advance(kit: NewsKit, row: OutboxRow, news: { state: Delivery; class?: string; words?: string }): OutboxRow {
  const { store, clock } = kit
  const state = mergeDelivery(row.state, news.state)
  if (state === row.state) return row
  if (state === 'expired') putBack(kit, row, news.words ?? '')
  else updateOutbox(store, row, { state, class: news.class ?? null, words: news.words ?? null }, clock())
  return selectOutbox(store, row.seq) ?? row
}

/** The network has it, under this id. Notes the id, and what was already told about it. */
export function learnSent(kit: NewsKit, row: OutboxRow, id: string): OutboxRow {
  const { store, vault, clock } = kit
  const remote = vault.blind('message', id)
  const change = {
    state: mergeDelivery(row.state, 'submitted'),
    remote,
    class: null,
    words: null,
    submittedAt: row.submitted_at ?? clock(),
  }
  updateOutbox(store, row, change, clock())
  rememberMessage(kit, { portal: row.portal, id, part: row.part, event: row.event, own: true })
  let known = selectOutbox(store, row.seq) ?? row
  for (const orphan of takeOrphans(store, remote)) {
    known = advance(kit, known, { state: orphan.state, ...(orphan.words ? { class: orphan.class ?? 'other', words: orphan.words } : {}) })
  }
  return known
}

/**
 * Sends one part. That it is being sent is on disk before the network is called, so a part that is found in this state after a crash is never sent
 * again: what became of it can only be learnt from the network's echo or status.
 */
export async function submit(kit: OutboxKit, seq: number): Promise<void> {
  const { store, vault, clock, checkpoint } = kit
  const row = selectOutbox(store, seq)
  if (row?.state === 'submitting') return markBrokenOff(kit, row)
  if (row?.state !== 'queued' || row.payload === null || row.waits !== null) return
  if (hasLeft(store, row.portal, row.room)) return updateOutbox(store, row, { state: 'cancelled' }, clock())
  const portal = selectPortal(store, row.portal)
  // What is kept is so also while the account waits: it would overtake what is kept already when that goes out meanwhile.
  const late = portal && checkWindow(kit, portal, row)
  if (late) return updateOutbox(store, row, late, clock())
  if (portal && checkHold(kit, portal.login) === 'held') return
  if (portal) checkPace(kit, { ...portal, kind: row.kind })
  const session = portal && kit.sessions.get(portal.login)
  if (!session) throw new Later('the account is not logged in')
  const payload = vault.open(row.payload, `outbox ${row.key}`)
  const send = await prepareSend(kit, session, portal, row, goesOn(kit, row) ? payload.slice(row.lead) : payload)
  checkpoint('part taken')
  // Taken back while its file was prepared.
  if (selectOutbox(store, seq)?.state !== 'queued') return
  checkPace(kit, { ...portal, kind: row.kind })
  store.atomically(() => {
    updateOutbox(store, row, { state: 'submitting', submittedAt: clock(), heard: selectHeard(store, row.portal) }, clock())
    countSend(kit, { ...portal, kind: row.kind })
  })
  checkpoint('part submitting')
  const answer = await send()
  checkpoint('part answered')
  const result = await learnFrom(kit, portal.login, answer, secretsOf(kit, portal.login))
  store.atomically(() => {
    const current = selectOutbox(store, seq)
    if (!current) return
    if (result.kind === 'sent' && result.ids) addIdentities(kit, portal.login, portal.contact, result.ids)
    if (result.kind === 'retry' && result.class === 'pair_rate') emptyChat(kit, portal)
    settle(kit, current, result)
  })
  checkpoint('part settled')
  const then = selectOutbox(store, seq)
  if (result.kind !== 'sent' && then?.state === 'queued' && then.waits === null)
    throw new Later(`the network said: ${result.class}`, result.kind === 'retry' ? result.retryAfterMs : undefined)
}

/** A try that ended before what came of it was noted: one chat's parts go strictly one after another, so no other try is under way. */
function markBrokenOff({ store, clock }: OutboxKit, row: OutboxRow): void {
  const repeats = mayRepeat(row, { kind: 'unknown' })
  updateOutbox(store, row, { state: repeats ? 'queued' : 'unknown', class: 'interrupted', words: interrupted }, clock())
  if (repeats) throw new Later('a try that broke off')
}

/** Whether a text follows one of the same person, so that their name need not stand before it again. */
function goesOn({ store, clock, coalesceMs = 0 }: OutboxKit, { portal, kind, parts, author, lead }: OutboxRow): boolean {
  if (coalesceMs === 0 || kind !== 'text' || parts > 1 || lead === 0) return false
  const before = selectLastSent(store, portal)
  if (!before?.remote || before.author !== author || clock() - (before.submitted_at ?? 0) >= coalesceMs) return false
  return !hasLaterMessage(store, portal, before.remote)
}

/** What done twice is done once may be tried again after a lost answer. */
function mayRepeat({ kind }: OutboxRow, { kind: result }: Pick<SendResult, 'kind'>): boolean {
  return result === 'retry' || (result === 'unknown' && (kind === 'reaction' || kind === 'edit' || kind === 'undo'))
}

function settle(kit: OutboxKit, row: OutboxRow, result: SendResult): void {
  const { store, clock } = kit
  if (result.kind === 'sent') {
    if (result.id === undefined) advance(kit, row, { state: 'sent' })
    else if (row.remote === null) learnSent(kit, row, result.id)
    return
  }
  // An echo or status may have come before the answer that got lost: then it is known to have been sent.
  if (row.state !== 'submitting') return
  const why = { class: result.class, words: result.words }
  if ((result.kind !== 'unknown' || mayRepeat(row, result)) && isWithdrawn(store, row)) callOff(kit, row)
  else if (mayRepeat(row, result)) {
    countAttempt(store, row.seq)
    const state = row.attempts + 1 < mostTries ? 'queued' : 'failed'
    updateOutbox(store, row, { state, ...why, submittedAt: null }, clock())
  } else if (result.kind === 'refused' && endOf(result.class) === 'expired') putBack(kit, row, result.words)
  else updateOutbox(store, row, { state: result.kind === 'unknown' ? 'unknown' : endOf(result.class), ...why }, clock())
}

/** How a send ends that did not work: too late is an end of its own. */
export function endOf(reason: string): 'failed' | 'expired' {
  return reason === 'window_closed' ? 'expired' : 'failed'
}

/** Calls what a stopped process left in the middle by its name. Before anything else is sent. */
export function abandonInterrupted({ store, clock, log }: Pick<Kit, 'store' | 'clock' | 'log'>): void {
  const count = abandonSubmitting(store, interrupted, clock())
  if (count > 0) log('warn', 'sends were cut off; what became of them is not known yet', { count })
}

/** Works through the outbox: one chat's parts strictly one after another. */
export function createOutbox(kit: Kit, changed: () => void): Feed {
  return createFeed<{ seq: number }>({
    name: 'outbox',
    log: kit.log,
    waiting: (after, limit) => selectQueuedLanes(kit.store, after, limit),
    select: (portal, after, limit) => selectQueuedOf(kit.store, portal, after, limit),
    handle: ({ seq }) => submit(kit, seq).finally(changed),
    failed: ({ seq }, last) => {
      const row = selectOutbox(kit.store, seq)
      if (row && last)
        advance(
          kit,
          row,
          row.state === 'submitting'
            ? { state: 'unknown', words: interrupted }
            : { state: 'failed', words: 'The bridge could not send this.' },
        )
    },
  })
}
