import type { DeliveryState, Failure, InboundStatus, InboundWatermark } from '../connector.ts'
import { findContact } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { advance, endOf, learnSent } from '../outbox.ts'
import { insertOrphan, selectOutboxByKey, selectOutboxByRemote, selectUpTo } from '../store/outbox.store.ts'
import { selectPortalOf } from '../store/portals.store.ts'

/** The network tells how far one message of ours got. It may tell so before we know the message's id: then the news waits. */
export async function applyStatus(kit: Kit, event: InboundStatus): Promise<void> {
  const { store, vault } = kit
  if (loginOf(kit, event.account) === undefined) return
  const remote = vault.blind('message', event.id)
  store.atomically(() => {
    const row = (event.tag === undefined ? undefined : selectOutboxByKey(store, event.tag)) ?? selectOutboxByRemote(store, remote)
    if (!row) return keepOrphan(kit, remote, event.state, event.failure)
    const known = row.remote === null ? learnSent(kit, row, event.id) : row
    const state = event.state === 'failed' ? endOf(event.failure?.class ?? '') : event.state
    advance(kit, known, { state, ...(event.failure ?? {}) })
  })
}

/** Everything of ours up to a point is delivered or read. */
export async function applyWatermark(kit: Kit, event: InboundWatermark): Promise<void> {
  const { store, vault } = kit
  const login = loginOf(kit, event.account)
  const contact = login === undefined ? undefined : findContact(kit, login, event.chat.ids)
  const portal = login === undefined || contact === undefined ? undefined : selectPortalOf(store, login, contact)
  if (!portal) return
  store.atomically(() => {
    const named = event.ids.map((id) => vault.blind('message', id))
    const rows = named.flatMap((remote) => selectOutboxByRemote(store, remote) ?? [])
    for (const remote of named) if (!rows.some((row) => row.remote === remote)) keepOrphan(kit, remote, event.state)
    const seq = Math.max(0, ...rows.map((row) => row.seq))
    const upTo = event.upTo === undefined ? { seq } : { seq, time: event.upTo }
    for (const row of selectUpTo(store, portal.portal, upTo)) advance(kit, row, { state: event.state })
  })
}

function keepOrphan({ store, clock }: Kit, remote: string, state: DeliveryState, failure?: Failure): void {
  insertOrphan(store, { remote, state, class: failure?.class ?? null, words: failure?.words ?? null, at: clock() })
}
