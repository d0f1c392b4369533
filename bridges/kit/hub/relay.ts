import type { Kit } from '../kit.ts'
import { guardText, speakerPrefix } from '../names.ts'
import { insertOutbox } from '../store/outbox.store.ts'
import type { PortalRow } from '../store/portals.store.ts'

/** What somebody said in a room, ready to be carried to chats. `speaker` is undefined where the chat is theirs alone. */
export type Said = {
  readonly event: string
  readonly room: string
  readonly text: string
  readonly speaker: { name: string; app: string } | undefined
}

type OutboxKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock'>

/** Queues what was said for each of the chats; in the caller's transaction. What is queued already is not queued again. */
export function queueFor(kit: OutboxKit, said: Said, chats: readonly PortalRow[]): void {
  const { event, room, text, speaker } = said
  const guarded = speaker ? speakerPrefix(speaker.name, speaker.app) + guardText(text).trimStart() : text
  const parts = kit.connector.split(guarded)
  for (const { portal } of chats) {
    parts.forEach((part, index) => {
      const key = outboxKey(kit, event, portal, index)
      const payload = kit.vault.seal(speaker && index > 0 ? guardText(part) : part, `outbox ${key}`)
      const row = {
        key,
        event,
        room,
        portal,
        part: index,
        parts: parts.length,
        payload,
        state: 'queued' as const,
        class: null,
        words: null,
      }
      insertOutbox(kit.store, row, kit.clock())
    })
  }
}

/** Notes that an event cannot be carried to the chats, and why, so that the room gets to see it. */
export function refuseFor(
  kit: OutboxKit,
  refused: { event: string; room: string; state: 'failed' | 'unsupported'; class: string; words: string },
  chats: readonly PortalRow[],
): void {
  const { event, room, state, class: reason, words } = refused
  for (const { portal } of chats) {
    const row = {
      key: outboxKey(kit, event, portal, 0),
      event,
      room,
      portal,
      part: 0,
      parts: 1,
      payload: null,
      state,
      class: reason,
      words,
    }
    insertOutbox(kit.store, row, kit.clock())
  }
}

/** What goes along with a send and comes back from the network: says nothing, and nobody else can make it. */
function outboxKey({ vault }: Pick<Kit, 'vault'>, event: string, portal: string, part: number): string {
  return vault.blind('outbox', JSON.stringify([event, portal, part]))
}
