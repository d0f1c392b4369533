import { reason } from '../feed.ts'
import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { isTransient } from '../matrix/side.ts'
import { sendOnce, transactionId } from '../send.ts'
import type { PortalRow } from '../store/portals.store.ts'
import { type ClosingRow, selectClosing, selectWroteAt, updateWindowTold } from '../store/windows.store.ts'

const aheadMs = 3_600_000

/** Why a chat's person cannot be written to any more; undefined while the network takes answers, and where only it knows whether it does. */
export function lateFor(
  { store, connector, clock }: Pick<Kit, 'store' | 'connector' | 'clock'>,
  { portal }: PortalRow,
): string | undefined {
  const { replyWindowMs: window, info } = connector
  const wroteAt = selectWroteAt(store, portal)
  if (window === undefined || wroteAt === undefined || clock() <= wroteAt + window) return undefined
  return `${info.title} takes answers for ${inHours(window)} after a person wrote, and that time is over. Wait until they write again.`
}

function inHours(ms: number): string {
  return ms % 86_400_000 === 0 && ms > 86_400_000 ? `${ms / 86_400_000} days` : `${Math.round(ms / 3_600_000)} hours`
}

/** Tells the rooms of those whom the network will soon not let us answer any more: once each time, an hour before. */
export async function tellWindows(kit: Kit): Promise<void> {
  const { replyWindowMs: window } = kit.connector
  if (window === undefined) return
  const now = kit.clock()
  for (const chat of selectClosing(kit.store, { from: now - window, to: now - window + aheadMs })) await tellOrSkip(kit, chat, window)
}

/** A room that will not take it (the bot was removed) must not keep it from the others. */
async function tellOrSkip(kit: Kit, chat: ClosingRow, window: number): Promise<void> {
  try {
    await tellWindow(kit, chat, window)
  } catch (error) {
    if (isTransient(error)) throw error
    kit.log('warn', 'a window could not be told', { why: reason(error) })
    updateWindowTold(kit.store, chat.portal, chat.wroteAt)
  }
}

async function tellWindow(kit: Kit, chat: ClosingRow, window: number): Promise<void> {
  const { network, title } = kit.connector.info
  const who = chat.hub === 1 ? `${nameIn(kit, chat)} (${title})` : nameIn(kit, chat)
  const minutes = Math.max(1, Math.round((chat.wroteAt + window - kit.clock()) / 60_000))
  const body = `${title} takes answers to ${who} for ${minutes} more minutes; after that, not before they write again.`
  await sendOnce(kit, {
    ...{ room: chat.room, sender: kit.matrix.botUserId, type: 'm.room.message', encrypted: true },
    txn: transactionId('window', chat.portal, chat.wroteAt),
    content: { msgtype: 'm.notice', body, 'org.tombolo.window': { network, chat: chat.portal, closes_at: chat.wroteAt + window } },
  })
  updateWindowTold(kit.store, chat.portal, chat.wroteAt)
}
