import { mostHops, originKey, readOrigin } from '../hub/origin.ts'
import { queueFile, queueFor, refuseFor } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import type { MatrixEvent } from '../matrix/event.ts'
import { withNames } from '../mentions.ts'
import { networkOfGhost } from '../names.ts'
import { type PortalRow, selectPortalsIn } from '../store/portals.store.ts'
import { finishMatrixEvent } from '../store/transactions.store.ts'
import { applyEditOf, applyReactionOf, applyRedactionOf } from './about.ts'
import { answeredIn } from './answered.ts'
import { fileOf } from './file.ts'
import { speakerFor } from './speaker.ts'
import { answeredBy, placeOf, placeText, relatedBy, textOf } from './words.ts'

type Content = Readonly<Record<string, unknown>>
const noKey = 'This message could not be decrypted by the bridge, so it was not sent. Send it again.'
const notEncrypted = 'This message was not encrypted, and this room is: it was not sent.'
const notCarried = 'This kind of message is not carried, so it was not sent. Say it in words, or send it as a file.'

/**
 * Queues an event of a room for every chat it is meant for, together with the mark that it is done. `no key` when it cannot be decrypted now; then
 * nothing has changed. What comes from our own ghosts and bot is never looked at: their words went to the other chats when they came in.
 */
export async function applyMatrixEvent(kit: Kit, seq: number, event: MatrixEvent): Promise<'done' | 'no key'> {
  const { store } = kit
  const chats = selectPortalsIn(store, event.room_id)
  if (chats.length === 0 || isOurs(kit, event.sender) || 'state_key' in event || isRedacted(event)) return finish(kit, seq)
  if (event.type === 'm.room.redaction') return applyRedactionOf(kit, seq, event, chats)
  // Clients do not encrypt reactions: what they are about is in the clear anyway.
  if (event.type === 'm.reaction') return applyReactionOf(kit, seq, event, event.content, chats)
  if (!isMessage(event.type)) return finish(kit, seq)
  const decrypted = event.type === 'm.room.encrypted' ? kit.encryption.decrypt(event) : undefined
  if (decrypted?.kind === 'no key') return 'no key'
  if (decrypted?.kind === 'refused') return refuse(kit, seq, event, chats, 'undecryptable', noKey)
  if (!decrypted && (await kit.encryption.isEncrypted(event.room_id))) return refuse(kit, seq, event, chats, 'not_encrypted', notEncrypted)
  const { type, content } = decrypted ?? event
  if (type === 'm.reaction') return applyReactionOf(kit, seq, event, content, chats)
  if (type !== 'm.room.message' && type !== 'm.sticker') return finish(kit, seq)
  return queue(kit, seq, event, { type, content }, chats)
}

/** Taken back before we got to it. */
function isRedacted({ unsigned }: MatrixEvent): boolean {
  return typeof unsigned === 'object' && unsigned !== null && 'redacted_because' in unsigned
}

/** The wait for its key is over: the room is told that it was not sent. */
export function expire(kit: Kit, seq: number, event: MatrixEvent): void {
  refuse(kit, seq, event, selectPortalsIn(kit.store, event.room_id), 'undecryptable', noKey)
}

async function queue(
  kit: Kit,
  seq: number,
  event: MatrixEvent,
  { type, content: written }: { type: string; content: Content },
  chats: readonly PortalRow[],
): Promise<'done'> {
  const network = networkOfGhost(event.sender, kit.serverName, kit.connector.info.network)
  const origin = readOrigin(written)
  // A mark of anybody but a ghost is not believed; it only keeps the message here.
  const stays = written['msgtype'] === 'm.notice' || (origin ? !network || !origin.relay || origin.hop > mostHops : originKey in written)
  if (stays) return finish(kit, seq)
  const targets = chats.filter((chat) => chat.portal !== origin?.spoke)
  if (relatedBy(written, 'm.replace')) return applyEditOf(kit, seq, event, { content: written, origin, chats: targets })
  const content = await withNames(kit, event.room_id, written)
  const file = fileOf(type, content, kit.connector.markup)
  const place = file ? undefined : placeOf(content)
  const text = file ? undefined : place ? placeText(place) : textOf(content, kit.connector.markup)
  if (text === undefined && !file) return refuse(kit, seq, event, targets, 'unsupported', notCarried)
  const speaker = await speakerFor(kit, event, origin, chats)
  const { event_id, room_id } = event
  const answers = await answeredIn(kit, room_id, answeredBy(content), targets)
  kit.checkpoint('event read')
  kit.store.atomically(() => {
    const said = { event: event_id, room: room_id, answers, speaker }
    if (file) queueFile(kit, { ...said, file }, targets)
    else if (text !== undefined) queueFor(kit, { ...said, text, place }, targets)
    finishMatrixEvent(kit.store, seq, 'done')
  })
  kit.checkpoint('event queued')
  return 'done'
}

function finish(kit: Kit, seq: number): 'done' {
  finishMatrixEvent(kit.store, seq, 'ignored')
  return 'done'
}

function refuse(kit: Kit, seq: number, event: MatrixEvent, chats: readonly PortalRow[], reason: string, words: string): 'done' {
  const state = reason === 'undecryptable' ? 'failed' : 'unsupported'
  kit.store.atomically(() => {
    refuseFor(kit, { event: event.event_id, room: event.room_id, state, class: reason, words }, chats)
    finishMatrixEvent(kit.store, seq, reason === 'undecryptable' ? 'undecryptable' : 'done')
  })
  return 'done'
}

function isMessage(type: string): boolean {
  return type === 'm.room.message' || type === 'm.sticker' || type === 'm.room.encrypted'
}

function isOurs({ matrix, serverName, connector }: Kit, sender: string): boolean {
  return sender === matrix.botUserId || networkOfGhost(sender, serverName, connector.info.network) === connector.info.network
}
