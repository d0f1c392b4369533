import type { InboundAbout, InboundDeleted, InboundEdit, InboundReaction } from '../connector.ts'
import { ensureGhost, resolveContact } from '../ghosts.ts'
import { nameIn } from '../hub/consent-names.ts'
import { queueCorrection, queueWithdrawal } from '../hub/correction.ts'
import { writeOrigin } from '../hub/origin.ts'
import { emojiOf, keepReaction, queueReaction } from '../hub/reaction.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { eventsOf } from '../messages.ts'
import { ensurePortal } from '../portal.ts'
import { sendOnce, transactionId } from '../send.ts'
import { isTakenBack } from '../store/changes.store.ts'
import { selectOutboxByRemote } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { deleteReaction, selectReactionsTo } from '../store/reactions.store.ts'
import { hasLeft, selectRoomsOf } from '../store/spokes.store.ts'
import { updateWroteAt } from '../store/windows.store.ts'
import { formattedOf } from './content.ts'
import { originTime } from './origin-time.ts'
import { isNewest, isTooOld } from './repeats.ts'
import { othersIn, speakerIn } from './spokes.ts'

/** The message of a chat that something is about has not come yet. */
export type Waits = { readonly portal: string; readonly remote: string }
type Target = {
  readonly portal: PortalRow
  readonly room: string
  readonly events: readonly [string, ...string[]]
  /** The ghost of the person, or the bot for what the account did elsewhere. */
  readonly sender: string
  /** Somebody in the room wrote the message: nobody but they can change it there. */
  readonly ours: boolean
}

/** A reaction, correction or withdrawal of the network. `key` is the same for all copies of it. Gives what it waits for. */
export async function applyAbout(kit: Kit, event: InboundAbout, key: string): Promise<Waits | undefined> {
  const { store, vault } = kit
  const login = loginOf(kit, event.account)
  if (login === undefined || isTooOld(kit, event)) return undefined
  const contact = resolveContact(kit, login, event.chat)
  const portal = ensurePortal(kit, login, contact)
  // Whoever reacts opens the network's window as if they had written.
  if (event.type === 'reaction' && !event.own) updateWroteAt(store, portal.portal, originTime(event.at, kit.clock()), key)
  const remote = vault.blind('message', event.target)
  const [first, ...rest] = eventsOf(kit, portal.portal, event.target)
  if (first === undefined) return { portal: portal.portal, remote }
  const room = await roomOf(kit, portal, first)
  if (room === undefined) return undefined
  const ours = selectOutboxByRemote(store, remote) !== undefined
  if (hasLeft(store, portal.portal, room)) {
    if (event.type === 'deleted' && !ours) await applyDeletedAfter(kit, { portal, room, events: [first, ...rest] })
    return undefined
  }
  const sender = event.own ? kit.matrix.botUserId : await ensureGhost(kit, contact)
  const target: Target = { portal, room, events: [first, ...rest], sender, ours }
  kit.checkpoint('target known')
  // What was done to it before is told late; and of what was taken back nothing is told any more.
  if (!isNewest(kit, { target: first, sender, kind: event.type }, event.at)) return undefined
  if (event.type !== 'deleted' && !ours && isTakenBack(store, first)) return undefined
  if (event.type === 'reaction') await applyReaction(kit, event, target, key)
  else if (target.ours) await tellInWords(kit, event, target, key)
  else if (event.type === 'edit') await applyEdit(kit, event, target, key)
  else await applyDeleted(kit, event, target)
  return undefined
}

/** Where a message of a chat stands: chats move into shared rooms and out of them, their messages do not. */
async function roomOf({ store, matrix }: Kit, { portal }: PortalRow, event: string): Promise<string | undefined> {
  const rooms = selectRoomsOf(store, portal)
  if (rooms.length < 2) return rooms[0]
  for (const room of rooms) if (await matrix.event(room, event)) return room
  return undefined
}

/** One person holds one reaction on a message: a new one takes the place of the old one. */
async function applyReaction(kit: Kit, event: InboundReaction, { portal, room, events, sender }: Target, key: string): Promise<void> {
  const { store, matrix } = kit
  const [target] = events
  const at = originTime(event.at, kit.clock())
  const before = selectReactionsTo(store, target).find((reaction) => reaction.sender === sender)
  if (before && emojiOf(kit, before) === event.emoji) return
  const tell = (cause: string) => {
    if (!event.own) queueReaction(kit, { event: cause, room, target }, othersIn(kit, portal, room))
  }
  if (before) {
    const redaction = await matrix.redact({ txn: transactionId('unreact', before.event), room, sender, event: before.event })
    kit.checkpoint('reaction redacted')
    store.atomically(() => {
      deleteReaction(store, before.event)
      if (event.emoji === undefined) tell(redaction)
    })
  }
  const { emoji } = event
  if (emoji === undefined) return
  const origin = event.own ? originOf(kit, portal, true) : {}
  const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: emoji }, ...origin }
  const txn = transactionId('in', key)
  await sendOnce(kit, { txn, room, sender, type: 'm.reaction', content, ts: at, encrypted: false }, (sent) => {
    keepReaction(kit, { event: sent, room, target, sender, at }, emoji)
    tell(sent)
  })
}

async function applyEdit(kit: Kit, event: InboundEdit, { portal, room, events, sender }: Target, key: string): Promise<void> {
  const { title } = kit.connector.info
  const lead = event.own ? `To ${nameIn(kit, portal)}, from ${title}: ` : ''
  const body = `${lead}${event.text}`
  const written = { msgtype: 'm.text', body, ...formattedOf(kit.connector.markup, event.text, lead) }
  const [target] = events
  const content = {
    ...{ msgtype: 'm.text', body: `* ${body}` },
    'm.new_content': written,
    'm.relates_to': { rel_type: 'm.replace', event_id: target },
    ...originOf(kit, portal, event.own),
  }
  const ts = originTime(event.at, kit.clock())
  const planned = { txn: transactionId('in', key), room, sender, type: 'm.room.message', content, ts, encrypted: true }
  await sendOnce(kit, planned, (sent) => {
    if (event.own) return
    const correction = { event: sent, room, target, text: event.text, speaker: speakerIn(kit, portal) }
    queueCorrection(kit, correction, othersIn(kit, portal, room))
  })
}

async function applyDeleted(kit: Kit, event: InboundDeleted, { portal, room, events, sender }: Target): Promise<void> {
  for (const target of events) {
    const redaction = await kit.matrix.redact({ txn: transactionId('withdrawn', target), room, sender, event: target })
    kit.checkpoint('message redacted')
    if (event.own) continue
    const withdrawal = { event: redaction, room, target, speaker: speakerIn(kit, portal) }
    kit.store.atomically(() => queueWithdrawal(kit, withdrawal, othersIn(kit, portal, room)))
  }
}

/** Who has left a shared room can still take back there what they wrote: by the bot, and without a name, for theirs is not for that room any more. */
async function applyDeletedAfter(kit: Kit, { portal, room, events }: Pick<Target, 'portal' | 'room' | 'events'>): Promise<void> {
  for (const target of events) {
    const txn = transactionId('withdrawn', target, 'by the bot')
    const redaction = await kit.matrix.redact({ txn, room, sender: kit.matrix.botUserId, event: target })
    kit.checkpoint('message redacted')
    const withdrawal = { event: redaction, room, target, speaker: undefined }
    kit.store.atomically(() => queueWithdrawal(kit, withdrawal, othersIn(kit, portal, room)))
  }
}

/** What somebody in the room had written was changed on the network: the bot says so. */
async function tellInWords(kit: Kit, event: InboundEdit | InboundDeleted, { portal, room, events }: Target, key: string): Promise<void> {
  const { title } = kit.connector.info
  const body = event.type === 'edit' ? `Changed on ${title} to: ${event.text}` : `Deleted on ${title}.`
  const relation = { 'm.relates_to': { 'm.in_reply_to': { event_id: events[0] } } }
  const content = { msgtype: 'm.notice', body, ...relation, ...originOf(kit, portal, true) }
  const sender = kit.matrix.botUserId
  await sendOnce(kit, { txn: transactionId('in', key), room, sender, type: 'm.room.message', content, encrypted: true })
}

function originOf(kit: Kit, chat: PortalRow, stays: boolean): Record<string, unknown> {
  const { network } = kit.connector.info
  return writeOrigin({ network, spoke: chat.portal, name: nameIn(kit, chat), hop: 1, relay: !stays })
}
