import type { InboundEvent } from '../connector.ts'
import { findContact } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { selectIdentitiesOf } from '../store/contacts.store.ts'
import { insertLane, putLane, selectLane } from '../store/lanes.store.ts'
import { isTooOld } from './repeats.ts'

/**
 * What something of the network is to be in order with, blind: all that is of one chat, under whichever ids of its person it comes. Which ids belong
 * together is noted when they come together, so it holds for what comes before anything of that person is worked on.
 * Ids that change hands go into the lane of the news of it: what comes under them after it is not worked on before it.
 */
export function laneOf(kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>, event: InboundEvent): string {
  const { store, vault } = kit
  if (event.type === 'status') return vault.blind('lane', `status ${event.tag ?? event.id}`)
  const ids = event.type === 'identity' ? ([...event.was.ids, ...event.chat.ids] as const) : event.chat.ids
  const [first] = ids
  const own = vault.blind('lane', `chat ${event.account} ${first?.value}`)
  const login = loginOf(kit, event.account)
  if (login === undefined || first === undefined) return own
  const keys = ids.map(({ kind, value }) => ({ login, kind, blind: vault.blind(kind, value) }))
  const known = keys.map((key) => selectLane(store, key))
  const lane = known.find((one) => one !== undefined) ?? laneOfContact(kit, login, [first, ...ids.slice(1)]) ?? own
  const moved = event.type === 'identity' && !isTooOld(kit, event) ? keys.slice(event.was.ids.length) : []
  const at = known.slice(keys.length - moved.length)
  if (known.includes(undefined) || at.some((one) => one !== lane)) {
    store.lazily(() => {
      for (const key of moved) putLane(store, key, lane)
      for (const key of keys) insertLane(store, key, lane)
    })
  }
  return lane
}

/** Ids of a person are learnt in other ways too: from the network's answer to what was sent to them. */
function laneOfContact(
  kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>,
  login: string,
  ids: Parameters<typeof findContact>[2],
): string | undefined {
  const contact = findContact(kit, login, ids)
  const identities = contact === undefined ? [] : selectIdentitiesOf(kit.store, contact)
  return identities.map(({ kind, blind }) => selectLane(kit.store, { login, kind, blind })).find((lane) => lane !== undefined)
}
