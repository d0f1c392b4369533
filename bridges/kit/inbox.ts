import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { InboundEdit, InboundEvent, InboundMessage, RawItem } from './connector.ts'
import { createFeed, type Feed, Later } from './feed.ts'
import { applyAbout, type Waits } from './inbound/about.ts'
import { applyIdentity } from './inbound/identity.ts'
import { laneOf } from './inbound/lane.ts'
import { applyMessage } from './inbound/message.ts'
import { applyStatus, applyWatermark } from './inbound/receipt.ts'
import type { Kit } from './kit.ts'
import { waitingFor } from './messages.ts'
import {
  delayInbox,
  failInbox,
  finishInbox,
  type InboxRow,
  insertInbox,
  parkInbox,
  releaseInbox,
  selectLaneless,
  selectLateInbox,
  selectLateInboxLanes,
  selectNewInbox,
  selectNewInboxLanes,
  trimMalformed,
  updateDue,
  updateLane,
} from './store/inbox.store.ts'
import { hasMessage } from './store/messages.store.ts'

/** Keeps what the network said, sealed; it is on disk when this returns. Gives how many items were new. */
export function accept(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>, items: readonly RawItem[]): number {
  const { store, vault, clock } = kit
  const rows = items.map(({ dedupKey, raw, malformed }) => {
    const dedup = vault.blind('inbox', dedupKey)
    const sealed = vault.seal(raw, `inbox ${dedup}`)
    return malformed ? { dedup, lane: null, raw: sealed } : { dedup, lane: laneOfRaw(kit, () => raw), raw: sealed }
  })
  const count = insertInbox(store, rows, clock())
  if (items.some(({ malformed }) => malformed)) forgetMalformed(kit)
  return count
}

/** For as long, and as many, as somebody may want to look into. */
const malformedMs = 72 * 3_600_000
const mostMalformed = { items: 1000, bytes: 64 * 1024 * 1024 }

/** Lets go of what was malformed long ago, or before many others. */
export function forgetMalformed({ store, clock }: Pick<Kit, 'store' | 'clock'>): void {
  trimMalformed(store, mostMalformed, clock() - malformedMs)
}

/** What a stored item says; undefined for what this version has no use for. */
function readItem({ vault, connector }: Pick<Kit, 'vault' | 'connector'>, row: InboxRow): InboundEvent | undefined {
  return connector.webhook.read(vault.open(row.raw, `inbox ${row.dedup}`))
}

/** Applies one item of the inbox; may be run again after it was cut off anywhere. */
export async function applyItem(kit: Kit, row: InboxRow): Promise<void> {
  kit.checkpoint('item taken')
  const event = readItem(kit, row)
  const rest = event && (await apply(kit, event, row))
  kit.checkpoint('item applied')
  if (rest === 'late') delayInbox(kit.store, row)
  else if (rest) park(kit, row.seq, rest, event?.type === 'edit' ? kit.clock() + correctionWaitMs : null)
  else finishInbox(kit.store, row.seq, event ? 'done' : 'ignored')
  kit.checkpoint('item done')
}

/** Brings the files of a message that could not be had when it came; throws `Later` while they still cannot. */
export async function applyLateItem(kit: Kit, row: InboxRow): Promise<void> {
  const event = readItem(kit, row)
  const rest = event?.type === 'media' ? await applyMessage(kit, event, { since: row.received_at, late: true }) : undefined
  if (rest === 'late') throw new Later('a file')
  kit.checkpoint('late item applied')
  finishInbox(kit.store, row.seq, 'done')
}

/** A correction says what somebody means now: it is not kept back for long, when what they said before does not come. */
const correctionWaitMs = 600_000
const inItsPlace = 0

/** Waits for the message that it is about; unless that came just now. */
function park({ store }: Kit, seq: number, { portal, remote }: Waits, due: number | null): void {
  store.atomically(() => {
    parkInbox(store, seq, waitingFor(portal, remote), due)
    if (hasMessage(store, portal, remote)) releaseInbox(store, waitingFor(portal, remote))
  })
}

async function apply(kit: Kit, event: InboundEvent, row: InboxRow): Promise<Waits | 'late' | undefined> {
  switch (event.type) {
    case 'message':
    case 'media':
    case 'location':
    case 'contacts':
    case 'share':
    case 'unsupported':
      return applyMessage(kit, event, { since: row.received_at, late: false })
    case 'status':
      return void (await applyStatus(kit, event))
    case 'watermark':
      return void (await applyWatermark(kit, event))
    case 'identity':
      return void (await applyIdentity(kit, event))
    case 'reaction':
    case 'deleted':
      return applyAbout(kit, event, row.dedup)
    case 'edit':
      return applyEdit(kit, event, row)
  }
}

/** That it stands for its message is noted before it does: it must not correct itself when it is applied again. */
async function applyEdit(kit: Kit, event: InboundEdit, row: InboxRow): Promise<Waits | 'late' | undefined> {
  if (row.due !== inItsPlace) {
    const waits = await applyAbout(kit, event, row.dedup)
    if (!waits || row.due === null || row.due > kit.clock()) return waits
    updateDue(kit.store, row.seq, inItsPlace)
  }
  return applyMessage(kit, messageOf(event), { since: row.received_at, late: false })
}

/** A correction in the place of its message. The message changes nothing any more when it comes after all. */
function messageOf({ target, text, ...happened }: InboundEdit): InboundMessage {
  return { ...happened, type: 'message', id: target, text: `Corrected a message that is not here: ${text}` }
}

/** Works through the inbox: chats side by side, what belongs to one chat in the order in which it came. */
export function createInbox(kit: Kit, changed: () => void): Feed {
  return createFeed<InboxRow>({
    name: 'inbox',
    log: kit.log,
    waiting: (after, limit) => selectNewInboxLanes(kit.store, after, limit),
    select: (lane, after, limit) => selectNewInbox(kit.store, after, limit, lane),
    handle: (row) => applyItem(kit, row).finally(changed),
    failed: (row, last) => failInbox(kit.store, row.seq, last),
  })
}

/** Works through the messages whose files are late: each by itself, so that none holds up another or its chat. */
export function createLateFiles(kit: Kit, changed: () => void): Feed {
  return createFeed<InboxRow>({
    name: 'late files',
    log: kit.log,
    waiting: (after, limit) => selectLateInboxLanes(kit.store, after, limit),
    select: (lane, after) => selectLateInbox(kit.store, after, 1).filter(({ seq }) => String(seq) === lane),
    handle: (row) => applyLateItem(kit, row).finally(changed),
    failed: (row, last) => failInbox(kit.store, row.seq, last),
  })
}

/** The lane of an item as it came; what cannot be read holds up nothing. */
function laneOfRaw(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>, raw: () => string): string {
  try {
    const event = kit.connector.webhook.read(raw())
    return event ? laneOf(kit, event) : 'none'
  } catch {
    return `unreadable ${randomUUID()}`
  }
}

const lanesAtOnce = 100

/** Gives the items of earlier versions their lanes. Before any is worked on. */
export async function fillLanes(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>): Promise<void> {
  const { store, vault } = kit
  for (let rows = selectLaneless(store, lanesAtOnce); rows.length > 0; rows = selectLaneless(store, lanesAtOnce)) {
    store.atomically(() => {
      for (const { seq, raw, dedup } of rows)
        updateLane(
          store,
          seq,
          laneOfRaw(kit, () => vault.open(raw, `inbox ${dedup}`)),
        )
    })
    await setImmediate()
  }
}
