import { addChore } from './chores.ts'
import type { Kit } from './kit.ts'
import { putValue, selectLogin, selectLogins, selectValue } from './store/logins.store.ts'
import { selectHub } from './store/portals.store.ts'
import { selectPortalsOfLogin } from './store/spokes.store.ts'

type OwnerKit = Pick<Kit, 'store' | 'owner'>

/** Whose the chats of a login are, who is invited into their rooms: who logged in, else the bridge's owner. */
export function ownerOf(kit: OwnerKit, login: string): string | undefined {
  return selectLogin(kit.store, login)?.owner ?? defaultOwner(kit)
}

/** Whose the configured login is: as configured, else who came first. */
export function defaultOwner({ store, owner }: OwnerKit): string | undefined {
  return owner ?? selectValue(store, 'owner')
}

/** Makes a user the bridge's owner, who is invited into all its rooms; in the caller's transaction. False when there is an owner. */
export function claimOwnership(kit: OwnerKit & Pick<Kit, 'hub' | 'vault' | 'clock'>, user: string): boolean {
  const { store, hub } = kit
  if (defaultOwner(kit) !== undefined) return false
  putValue(store, 'owner', user)
  const ours = selectLogins(store).filter(({ owner }) => owner === null)
  const rooms = ours.flatMap(({ login }) => selectPortalsOfLogin(store, login).flatMap(({ room }) => room ?? []))
  const shared = hub ? (selectHub(store, hub.alias) ?? []) : []
  for (const room of new Set(rooms.concat(shared))) addChore(kit, `claim ${room}`, { kind: 'invite', room, user })
  return true
}
