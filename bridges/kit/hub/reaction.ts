import { ghostIdOf } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { isKnownIn } from '../messages.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { insertReaction, type ReactionRow, selectReactionsTo } from '../store/reactions.store.ts'
import { queuePart } from './relay.ts'

type ReactionKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock' | 'sessions' | 'serverName' | 'matrix'>

/** Notes a reaction in a room; in the caller's transaction. */
export function keepReaction({ store, vault }: ReactionKit, row: Omit<ReactionRow, 'emoji'>, emoji: string): void {
  insertReaction(store, { ...row, emoji: vault.seal(emoji, `reaction ${row.event}`) })
}

export function emojiOf({ vault }: ReactionKit, { event, emoji }: ReactionRow): string {
  return vault.open(emoji, `reaction ${event}`)
}

/**
 * Queues, for each chat that has the message, the reaction that the account holds on it from now on; in the caller's transaction. The networks allow
 * an account one: the newest that stands in the room, whoever gave it, but never the person's own.
 */
export function queueReaction(
  kit: ReactionKit,
  { event, room, target }: { event: string; room: string; target: string },
  chats: readonly PortalRow[],
): void {
  const standing = selectReactionsTo(kit.store, target).filter(({ sender }) => sender !== kit.matrix.botUserId)
  for (const { portal, contact } of chats) {
    if (!isKnownIn(kit, portal, target)) continue
    const ghost = ghostIdOf(kit, contact)
    const held = standing.find(({ sender }) => sender !== ghost)
    queuePart(kit, { kind: 'reaction', event, room, portal, target }, held ? emojiOf(kit, held) : '')
  }
}
