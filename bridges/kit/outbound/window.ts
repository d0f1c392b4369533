import { nameIn } from '../hub/consent-names.ts'
import type { Kit } from '../kit.ts'
import { networkTitles } from '../names.ts'
import { sendOnce, transactionId } from '../send.ts'
import { selectClosing, updateWindowTold } from '../store/windows.store.ts'

const aheadMs = 3_600_000

/** Tells the rooms of those whom the network will soon not let us answer any more: once each time, an hour before. */
export async function tellWindows(kit: Kit): Promise<void> {
  const { replyWindowMs: window } = kit.connector
  if (window === undefined) return
  const now = kit.clock()
  for (const chat of selectClosing(kit.store, { from: now - window, to: now - window + aheadMs })) {
    const { network, title } = kit.connector.info
    const who = chat.hub === 1 ? `${nameIn(kit, chat)} (${networkTitles[network]})` : nameIn(kit, chat)
    const minutes = Math.max(1, Math.round((chat.wroteAt + window - now) / 60_000))
    const body = `${title} takes answers to ${who} for ${minutes} more minutes; after that, not before they write again.`
    await sendOnce(kit, {
      ...{ room: chat.room, sender: kit.matrix.botUserId, type: 'm.room.message', encrypted: true },
      txn: transactionId('window', chat.portal, chat.wroteAt),
      content: { msgtype: 'm.notice', body, 'org.tombolo.window': { network, chat: chat.portal, closes_at: chat.wroteAt + window } },
    })
    updateWindowTold(kit.store, chat.portal, chat.wroteAt)
  }
}
