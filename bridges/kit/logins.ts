import type { LoginResult, LoginSecrets, Session } from './connector.ts'
import type { Kit } from './kit.ts'
import { noteState } from './states.ts'
import {
  deleteValue,
  eraseSecrets,
  type LoginRow,
  putLogin,
  putValue,
  selectLogin,
  selectLoginByAccount,
  selectLogins,
  selectValue,
} from './store/logins.store.ts'
import { renewedFrom } from './tokens/facts.ts'
import { opaqueId } from './vault.ts'

type LoginKit = Pick<Kit, 'store' | 'vault' | 'connector' | 'clock'>

/**
 * Proves the configured token to the network and keeps it sealed. A network that cannot be reached does not undo a login that is known already; one
 * that says no shows as its state. What was logged out by its owner stays so until the configuration has another token.
 */
export async function login(kit: LoginKit, secrets: LoginSecrets): Promise<LoginResult> {
  const { store, vault, connector } = kit
  const known = selectLoginByAccount(store, vault.blind('account', secrets.account))
  if (known?.state === 'logged_out' && selectValue(store, `logged out ${known.login}`) === vault.blind('token', secrets.accessToken)) {
    return { kind: 'refused', class: 'logged_out', words: 'This account was logged out. Log in again with a new token.' }
  }
  const current = known ? renewedFrom(kit, known.login, secrets, secretsOf(kit, known.login)) : secrets
  const result = await connector.login(current)
  store.atomically(() => {
    if (result.kind === 'done') keepLogin(kit, { ...current, account: result.account }, result.name)
    if (result.kind === 'retry' && known)
      noteState(kit, known.login, { ...result, state: 'backing_off', until: kit.clock() + firstProbeMs })
    if (result.kind !== 'refused') return
    const id = known?.login ?? keepLogin(kit, secrets, undefined)
    noteState(kit, id, { ...result, state: 'bad_credentials' })
  })
  return result
}

const firstProbeMs = 5000

/** Keeps a login whose token the network has accepted; in the caller's transaction. Gives its id. `owner` is whose it is when it is new. */
export function keepLogin(kit: LoginKit, secrets: LoginSecrets, name: string | undefined, owner?: string): string {
  const { store, vault, clock } = kit
  const account = vault.blind('account', secrets.account)
  const id = selectLoginByAccount(store, account)?.login ?? opaqueId()
  const sealed = vault.seal(JSON.stringify(secrets), `login ${id}`)
  putLogin(store, { login: id, account, secrets: sealed, name: name ?? null, owner: owner ?? null }, clock())
  deleteValue(store, `logged out ${id}`)
  noteState(kit, id, { state: 'connected' })
  return id
}

/** Forgets a login's token; in the caller's transaction. Chats and what is queued stay. */
export function dropLogin(kit: LoginKit, row: LoginRow): void {
  const { store, vault } = kit
  const { accessToken } = secretsOf(kit, row.login) ?? {}
  if (accessToken !== undefined) putValue(store, `logged out ${row.login}`, vault.blind('token', accessToken))
  eraseSecrets(store, row.login)
  noteState(kit, row.login, { state: 'logged_out' })
}

/** The account and token of a login; undefined when it was logged out. */
export function secretsOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, login: string): LoginSecrets | undefined {
  const row = selectLogin(store, login)
  return row && row.secrets.length > 0 ? (JSON.parse(vault.open(row.secrets, `login ${login}`)) as LoginSecrets) : undefined
}

/** Opens a session for every login that has a token; gives them by login. */
export function openSessions(kit: Pick<Kit, 'store' | 'vault' | 'connector'>): Map<string, Session> {
  const sessions = new Map<string, Session>()
  for (const { login: id } of selectLogins(kit.store)) {
    const secrets = secretsOf(kit, id)
    if (secrets) sessions.set(id, kit.connector.open(secrets))
  }
  return sessions
}

/** The login to which an account of the network belongs. */
export function loginOf({ store, vault }: Pick<Kit, 'store' | 'vault'>, account: string): string | undefined {
  return selectLoginByAccount(store, vault.blind('account', account))?.login
}
