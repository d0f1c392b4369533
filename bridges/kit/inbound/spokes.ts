import { nameIn } from '../hub/consent-names.ts'
import type { Speaker } from '../hub/relay.ts'
import type { Kit } from '../kit.ts'
import { networkTitles } from '../names.ts'
import { type PortalRow, selectPortalsIn } from '../store/portals.store.ts'

/** How the person of a chat is called where others read them. */
export function speakerIn(kit: Kit, chat: PortalRow): Speaker {
  return { name: nameIn(kit, chat), app: networkTitles[kit.connector.info.network] }
}

/** The other chats of this bridge in a room. */
export function othersIn({ store }: Kit, { portal }: PortalRow, room: string): readonly PortalRow[] {
  return selectPortalsIn(store, room).filter((other) => other.portal !== portal)
}
