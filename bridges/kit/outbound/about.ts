import { queueCorrection, queueWithdrawal } from '../hub/correction.ts'
import { type Origin, originKey } from '../hub/origin.ts'
import { keepReaction, queueReaction } from '../hub/reaction.ts'
import { refuseFor } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import type { MatrixEvent } from '../matrix/event.ts'
import { withNames } from '../mentions.ts'
import { isKnownIn } from '../messages.ts'
import { forgetPayloadOf } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { deleteReaction, selectReaction } from '../store/reactions.store.ts'
import { finishMatrixEvent } from '../store/transactions.store.ts'
import { rewriteKept } from './kept.ts'
import { speakerFor } from './speaker.ts'
import { eventIdIn, relatedBy, textOf } from './words.ts'

type Content = Readonly<Record<string, unknown>>

/** What the networks take as a reaction: a few signs, no letters. */
const emojiPattern = /^[^\p{L}\s]{1,40}$/u

/** Queues a reaction of the room for the chats that have its message. https://spec.matrix.org/v1.19/client-server-api/#event-annotations-and-reactions */
export function applyReactionOf(kit: Kit, seq: number, event: MatrixEvent, content: Content, chats: readonly PortalRow[]): 'done' {
  const { store } = kit
  const { event_id: id, room_id: room, sender } = event
  const relation = relatedBy(content, 'm.annotation')
  const emoji = relation?.['key']
  if (!relation || typeof emoji !== 'string' || originKey in content) return finish(kit, seq)
  const target = relation.event_id
  store.atomically(() => {
    const [alone] = chats.length === 1 ? chats : []
    const why = !emojiPattern.test(emoji)
      ? 'text'
      : alone && alone.hub === 0 && !isKnownIn(kit, alone.portal, target)
        ? 'unknown'
        : undefined
    if (why === undefined) {
      const at = typeof event['origin_server_ts'] === 'number' ? event['origin_server_ts'] : kit.clock()
      keepReaction(kit, { event: id, room, target, sender, at }, emoji)
      queueReaction(kit, { event: id, room, target }, chats)
    } else if (alone) {
      const { title } = kit.connector.info
      const words = why === 'text' ? `${title} takes emoji as reactions, and nothing else.` : `${title} does not have this message.`
      refuseFor(kit, { event: id, room, kind: 'reaction', target, state: 'unsupported', class: why, words }, chats)
    }
    finishMatrixEvent(store, seq, 'done')
  })
  return 'done'
}

/** Queues a correction in words. https://spec.matrix.org/v1.19/client-server-api/#event-replacements */
export async function applyEditOf(
  kit: Kit,
  seq: number,
  event: MatrixEvent,
  { content, origin, chats }: { content: Content; origin: Origin | undefined; chats: readonly PortalRow[] },
): Promise<'done'> {
  const { event_id: id, room_id: room } = event
  const target = relatedBy(content, 'm.replace')?.event_id
  const written = content['m.new_content']
  const isContent = typeof written === 'object' && written !== null
  const text = isContent ? textOf(await withNames(kit, room, written as Content), kit.connector.markup) : undefined
  // An event is changed by its sender alone.
  if (target === undefined || (await kit.matrix.event(room, target))?.sender !== event.sender) return finish(kit, seq)
  const speaker = await speakerFor(kit, event, origin, chats)
  kit.store.atomically(() => {
    const others = text === undefined ? chats : chats.filter((chat) => !rewriteKept(kit, chat, target, { text, speaker }))
    if (text !== undefined) queueCorrection(kit, { event: id, room, target, text, speaker }, others)
    else {
      const words = 'Only corrections of texts are carried; this one was not.'
      refuseFor(kit, { event: id, room, kind: 'correction', target, state: 'unsupported', class: 'unsupported', words }, chats)
    }
    finishMatrixEvent(kit.store, seq, 'done')
  })
  kit.checkpoint('event queued')
  return 'done'
}

/** A reaction that is taken back is taken back on the networks; a message is withdrawn in words. */
export async function applyRedactionOf(kit: Kit, seq: number, event: MatrixEvent, chats: readonly PortalRow[]): Promise<'done'> {
  const { store } = kit
  const { event_id: id, room_id: room } = event
  const target = eventIdIn(event.content, 'redacts') ?? eventIdIn(event, 'redacts')
  if (target === undefined) return finish(kit, seq)
  const speaker = await speakerFor(kit, event, undefined, chats)
  store.atomically(() => {
    const reaction = selectReaction(store, target)
    if (reaction) {
      deleteReaction(store, target)
      queueReaction(kit, { event: id, room, target: reaction.target }, chats)
      forgetPayloadOf(store, { event: target, room })
    } else queueWithdrawal(kit, { event: id, room, target, speaker }, chats)
    finishMatrixEvent(store, seq, 'done')
  })
  kit.checkpoint('event queued')
  return 'done'
}

function finish(kit: Kit, seq: number): 'done' {
  finishMatrixEvent(kit.store, seq, 'ignored')
  return 'done'
}
