import type { RemoteId, RemotePerson } from './connector.ts'
import type { Kit } from './kit.ts'
import { fallbackName, fitName } from './names.ts'
import {
  type ContactRow,
  insertContact,
  putIdentity,
  selectContact,
  selectIdentitiesOf,
  selectIdentity,
  updateContactName,
  updateContactProfile,
} from './store/contacts.store.ts'
import { opaqueId } from './vault.ts'

type IdentityKit = Pick<Kit, 'store' | 'vault' | 'clock' | 'connector'>

/**
 * The contact that a person is, made at first sight. The first id decides; a later one (a number) finds the contact too, unless that contact is known
 * under another id of the first kind: then somebody else has the number now, and is somebody else.
 */
export function resolveContact(kit: IdentityKit, login: string, person: RemotePerson): string {
  const { store, clock, connector } = kit
  const known = findContact(kit, login, person.ids)
  // A new one must not be lost once its ghost exists; of a known one, what is new comes again.
  const write = known === undefined ? store.atomically : store.lazily
  return write(() => {
    const contact = known ?? opaqueId()
    if (known === undefined) insertContact(store, contact, login, `_${connector.info.network}_${opaqueId()}`, clock())
    addIdentities(kit, login, contact, person.ids)
    rename(kit, contact, person.name)
    return contact
  })
}

/** The contact that a person is, if there is one. */
export function findContact(kit: IdentityKit, login: string, ids: RemotePerson['ids']): string | undefined {
  const [stable, ...others] = ids
  const found = selectIdentity(kit.store, login, stable.kind, kit.vault.blind(stable.kind, stable.value))
  if (found) return found.contact
  for (const { kind, value } of others) {
    const other = selectIdentity(kit.store, login, kind, kit.vault.blind(kind, value))
    if (other && !selectIdentitiesOf(kit.store, other.contact).some((row) => row.kind === stable.kind)) return other.contact
  }
  return undefined
}

/** Points ids at a contact, new ones and such that were another's. */
export function addIdentities({ store, vault, clock }: IdentityKit, login: string, contact: string, ids: readonly RemoteId[]): void {
  for (const { kind, value } of ids) {
    const blind = vault.blind(kind, value)
    putIdentity(store, login, { kind, blind, value: vault.seal(value, `identity ${blind}`), contact }, clock())
  }
}

function rename({ store, vault }: IdentityKit, contact: string, name: string | undefined): void {
  const fitting = fitName(name)
  if (fitting !== undefined && fitting !== knownName({ vault }, selectContact(store, contact))) {
    updateContactName(store, contact, vault.seal(fitting, `name ${contact}`))
  }
}

/** All ids of a contact, the best address first. Throws when there is none. */
export function addressesOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, contact: string): readonly [RemoteId, ...RemoteId[]] {
  const ids = selectIdentitiesOf(store, contact).map(({ kind, blind, value }) => ({
    kind: kind as RemoteId['kind'],
    value: vault.open(value, `identity ${blind}`),
  }))
  const [first, ...rest] = ids
  if (!first) throw new Error('a contact without an address')
  return [first, ...rest]
}

/** What a contact is called, with a word that says nothing when its name is not known. */
export function nameOf({ store, vault, connector }: Pick<Kit, 'store' | 'vault' | 'connector'>, contact: string): string {
  return knownName({ vault }, selectContact(store, contact)) ?? fallbackName(connector.info.network, contact)
}

function knownName({ vault }: Pick<Kit, 'vault'>, row: ContactRow | undefined): string | undefined {
  return row?.name ? vault.open(row.name, `name ${row.contact}`) : undefined
}

export function ghostIdOf({ store, serverName }: Pick<Kit, 'store' | 'serverName'>, contact: string): string {
  const row = selectContact(store, contact)
  if (!row) throw new Error('no such contact')
  return `@${row.localpart}:${serverName}`
}

/** The ghost of a contact: registered, and called as the network calls the person. Gives its user id. */
export async function ensureGhost(
  kit: Pick<Kit, 'store' | 'vault' | 'connector' | 'matrix' | 'serverName' | 'sessions' | 'clock'>,
  contact: string,
): Promise<string> {
  const userId = ghostIdOf(kit, contact)
  await askName(kit, contact)
  const name = nameOf(kit, contact)
  const profile = kit.vault.blind('profile', name)
  if (selectContact(kit.store, contact)?.profile === profile) return userId
  const title = kit.connector.info.title
  await kit.matrix.ensureUser(userId, name.startsWith(title) ? name : `${name} (${title})`)
  updateContactProfile(kit.store, contact, profile)
  return userId
}

/** Asks the network for the name of somebody of whom it was not told with the message. No answer is no error: there is a fallback. */
async function askName(kit: Pick<Kit, 'store' | 'vault' | 'sessions' | 'connector' | 'clock'>, contact: string): Promise<void> {
  const row = selectContact(kit.store, contact)
  const session = row && kit.sessions.get(row.login)
  if (row?.name || !session?.profile) return
  const [address] = addressesOf(kit, contact)
  const profile = await session.profile(address)
  rename(kit, contact, profile?.name)
}
