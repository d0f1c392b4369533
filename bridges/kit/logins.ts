import type { LoginResult, LoginSecrets, Session } from './connector.ts'
import type { Kit } from './kit.ts'
import { type LoginRow, putLogin, selectLoginByAccount, selectLogins } from './store/logins.store.ts'
import { opaqueId } from './vault.ts'

type LoginKit = Pick<Kit, 'store' | 'vault' | 'connector'>

/** Proves a token to the network and keeps it sealed. A network that cannot be reached does not undo a login that is known already. */
export async function login(kit: LoginKit, secrets: LoginSecrets): Promise<LoginResult> {
  const { store, vault, connector } = kit
  const result = await connector.login(secrets)
  if (result.kind !== 'done') return result
  const account = vault.blind('account', result.account)
  const known = selectLoginByAccount(store, account)
  const id = known?.login ?? opaqueId()
  const sealed = vault.seal(JSON.stringify({ ...secrets, account: result.account }), `login ${id}`)
  putLogin(store, { login: id, account, secrets: sealed, name: result.name ?? null, state: 'connected' })
  return result
}

/** Opens a session for every login that is kept; gives them by login. */
export function openSessions({ store, vault, connector }: LoginKit): Map<string, Session> {
  const open = ({ login: id, secrets }: LoginRow) => connector.open(JSON.parse(vault.open(secrets, `login ${id}`)) as LoginSecrets)
  return new Map(selectLogins(store).map((row) => [row.login, open(row)]))
}

/** The login to which an account of the network belongs. */
export function loginOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, account: string): string | undefined {
  return selectLoginByAccount(store, vault.blind('account', account))?.login
}
