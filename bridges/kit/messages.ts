import type { Kit } from './kit.ts'
import { releaseInbox } from './store/inbox.store.ts'
import { insertMessage, selectEventsOf, selectMessageOf, selectMessagesOf } from './store/messages.store.ts'
import { selectParts } from './store/outbox.store.ts'

type Known = { readonly portal: string; readonly id: string; readonly part: number; readonly event: string; readonly own: boolean }

/** Notes which event a message of a chat is, and lets what waited for the message go on; in the caller's transaction. */
export function rememberMessage({ store, vault }: Pick<Kit, 'store' | 'vault'>, { portal, id, part, event, own }: Known): void {
  const remote = vault.blind('message', id)
  insertMessage(store, { portal, remote, part, event, remoteId: vault.seal(id, `message ${remote}`), own })
  releaseInbox(store, waitingFor(portal, remote))
}

/** What an item waits for whose message has not come. */
export function waitingFor(portal: string, remote: string): string {
  return `${portal} ${remote}`
}

/** The network's id, in a chat, of what stands in the room as this event; undefined where that chat does not have it. */
export function remoteIdOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, portal: string, event: string): string | undefined {
  const row = selectMessageOf(store, portal, event)
  return row && vault.open(row.remoteId, `message ${row.remote}`)
}

/** The same for each part in which it was sent, in their order. */
export function remoteIdsOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, portal: string, event: string): readonly string[] {
  return selectMessagesOf(store, portal, event).map((row) => vault.open(row.remoteId, `message ${row.remote}`))
}

/** The events as which a message of a chat stands in the room, in their order. */
export function eventsOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, portal: string, id: string): readonly string[] {
  return selectEventsOf(store, portal, vault.blind('message', id))
}

/** Whether a chat has an event, or will have it. */
export function isKnownIn({ store }: Pick<Kit, 'store'>, portal: string, event: string): boolean {
  return selectMessageOf(store, portal, event) !== undefined || selectParts(store, event, portal).some(({ state }) => onItsWay.has(state))
}

const onItsWay: ReadonlySet<string> = new Set(['queued', 'submitting', 'unknown'])
