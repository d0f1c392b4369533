import { nameOf } from '../ghosts.ts'
import type { Kit } from '../kit.ts'
import { fitName } from '../names.ts'
import { type PortalRow, selectPortal } from '../store/portals.store.ts'
import { isMarkTaken, putSpoke, selectSpoke, updateSpokeChosen, updateSpokeShown } from '../store/spokes.store.ts'

type NameKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock'>

/**
 * What the person of a chat is called in a shared room: as they chose, else as the network calls them, with a number when somebody else in the room is,
 * or was, called so. The same until one of the names changes. In a room of their own, their plain name. Where a room is named in which they were, as there.
 */
export function nameIn(kit: NameKit, { portal, contact }: Pick<PortalRow, 'portal' | 'contact'>, where?: string): string {
  if (where !== undefined && selectSpoke(kit.store, portal, where))
    return kit.store.atomically(() => settleName(kit, portal, contact, where))
  const { hub, room } = selectPortal(kit.store, portal) ?? {}
  if (hub !== 1 || !room) return nameOf(kit, contact)
  return kit.store.atomically(() => {
    if (!selectSpoke(kit.store, portal, room)) putSpoke(kit.store, portal, room, 'configured', kit.clock())
    return settleName(kit, portal, contact, room)
  })
}

/** The name that a chat's person has, or would get, in a shared room with which it has to do; in the caller's transaction. */
export function settleName({ store, vault, connector }: NameKit, portal: string, contact: string, room: string): string {
  const spoke = selectSpoke(store, portal, room)
  if (!spoke) throw new Error('a chat that has nothing to do with the room')
  const purpose = `shown ${portal}`
  const wanted = spoke.chosen ? vault.open(spoke.chosen, `chosen ${portal}`) : nameOf({ store, vault, connector }, contact)
  const base = vault.blind('hub name', JSON.stringify([room, wanted]))
  if (spoke.shown && spoke.base === base) return vault.open(spoke.shown, purpose)
  for (let number = 1; ; number++) {
    const shown = number === 1 ? wanted : `${wanted} ${number}`
    const mark = vault.blind('hub name', JSON.stringify([room, 'shown', alike(shown)]))
    if (isMarkTaken(store, portal, room, mark)) continue
    updateSpokeShown(store, portal, room, { base, mark, shown: vault.seal(shown, purpose) })
    return shown
  }
}

/** Notes the name that a person chose; false when it cannot stand before a message. In the caller's transaction. */
export function chooseName({ store, vault }: NameKit, portal: string, room: string, asked: string): boolean {
  const name = fitName(asked)
  if (name === undefined || !/\p{L}/u.test(name)) return false
  updateSpokeChosen(store, portal, room, vault.seal(name, `chosen ${portal}`))
  return true
}

/** Names that a reader would take for one another. */
function alike(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}
