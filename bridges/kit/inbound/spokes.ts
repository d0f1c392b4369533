import { nameIn } from '../hub/consent-names.ts'
import type { Speaker } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { type PortalRow, selectPortalsIn } from '../store/portals.store.ts'

/** How the person of a chat is called where others read them. */
export function speakerIn(kit: Kit, chat: PortalRow): Speaker {
  return { name: nameIn(kit, chat), app: kit.connector.info.title }
}

/** The other chats of this bridge in a room. */
export function othersIn({ store }: Kit, { portal }: PortalRow, room: string): readonly PortalRow[] {
  return selectPortalsIn(store, room).filter((other) => other.portal !== portal)
}
