import { reason } from '../feed.ts'
import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { isTransient } from '../matrix/side.ts'
import { sendOnce, transactionId } from '../send.ts'
import { type ClosingRow, selectClosing, updateWindowTold } from '../store/windows.store.ts'
import { windowOf } from './late-rules.ts'

const aheadMs = 3_600_000

/** Tells the rooms of those whom the network will soon not let us answer any more: once each time, an hour before. */
export async function tellWindows(kit: Kit): Promise<void> {
  const { replyWindowMs: shortest, agentWindowMs: longest = shortest } = kit.connector
  if (shortest === undefined || longest === undefined) return
  const now = kit.clock()
  for (const chat of selectClosing(kit.store, { from: now - longest, to: now - shortest + aheadMs })) {
    const window = windowOf(kit, chat) ?? shortest
    const left = chat.wroteAt + window - now
    if (left > 0 && left <= aheadMs) await tellOrSkip(kit, chat, window)
  }
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
