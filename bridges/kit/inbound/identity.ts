import type { InboundIdentity } from '../connector.ts'
import { addIdentities, findContact } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { loginOf } from '../logins.ts'
import { isTooOld } from './repeats.ts'

/** A person has new ids: they lead to the same contact from now on, so the chat goes on in its room. */
export async function applyIdentity(kit: Kit, event: InboundIdentity): Promise<void> {
  const login = loginOf(kit, event.account)
  // Ids change hands: what led to this person long ago may be somebody else's now.
  if (login === undefined || isTooOld(kit, event)) return
  kit.store.atomically(() => {
    const contact = findContact(kit, login, event.was.ids)
    if (contact !== undefined) addIdentities(kit, login, contact, event.chat.ids)
  })
}
