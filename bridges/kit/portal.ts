import { addChore } from './chores.ts'
import { ghostIdOf } from './ghosts.ts'
import { ensureHub } from './hub/room.ts'
import type { Kit } from './kit.ts'
import { ownerOf } from './owners.ts'
import { insertPortal, type PortalRow, selectPortal, selectPortalOf, updatePortalRoom } from './store/portals.store.ts'
import { opaqueId } from './vault.ts'

/** The chat of a login with a contact. Made at first sight, with the alias that its room will have. */
export function ensurePortal(
  { store, hub, connector, serverName }: Pick<Kit, 'store' | 'hub' | 'connector' | 'serverName'>,
  login: string,
  contact: string,
): PortalRow {
  return store.atomically(() => {
    const known = selectPortalOf(store, login, contact)
    if (known) return known
    const alias = `#_${connector.info.network}_${opaqueId()}:${serverName}`
    const portal: PortalRow = { portal: opaqueId(), login, contact, room: null, alias, hub: hub && hub.consent !== 'ask' ? 1 : 0 }
    insertPortal(store, portal)
    return portal
  })
}

/** The room of a chat, with the contact's ghost in it: the hub when the chat belongs to one, else a room of its own, made under the stored alias. */
export async function ensureRoom(
  kit: Pick<Kit, 'store' | 'vault' | 'clock' | 'hub' | 'matrix' | 'connector' | 'serverName' | 'owner' | 'checkpoint'>,
  portal: PortalRow,
): Promise<string> {
  const { store, matrix, connector } = kit
  const ghost = ghostIdOf(kit, portal.contact)
  const known = selectPortal(store, portal.portal)?.room
  if (known) return known
  const owner = ownerOf(kit, portal.login)
  const room = portal.hub === 1 && kit.hub ? await ensureHub(kit) : await makeRoom()
  kit.checkpoint('room made')
  await matrix.join(ghost, room)
  kit.checkpoint('ghost joined')
  store.atomically(() => {
    updatePortalRoom(store, portal.portal, room)
    const now = ownerOf(kit, portal.login)
    if (now !== undefined && now !== owner) addChore(kit, `claim ${room}`, { kind: 'invite', room, user: now })
  })
  return room

  function makeRoom(): Promise<string> {
    if (portal.alias === null) throw new Error('a portal without an alias')
    const title = connector.info.title
    const invite = owner === undefined ? [] : [owner]
    return matrix.createRoom({ alias: portal.alias, name: `${title} chat`, invite })
  }
}
