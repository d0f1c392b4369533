import type { Store } from './store.ts'

export type LoginState = 'connected' | 'backing_off' | 'bad_credentials' | 'logged_out'
export type LoginRow = {
  login: string
  account: string
  secrets: Buffer
  name: string | null
  state: LoginState
  owner: string | null
  class: string | null
  words: string | null
  since: number
  until: number | null
  told: LoginState | null
}
const columns = 'login, account, secrets, name, state, owner, class, words, since, until, told'

export function selectLogins({ prepare }: Store): LoginRow[] {
  return prepare<[], LoginRow>(`SELECT ${columns} FROM logins ORDER BY rowid`).all()
}

export function selectLogin({ prepare }: Store, login: string): LoginRow | undefined {
  return prepare<[string], LoginRow>(`SELECT ${columns} FROM logins WHERE login = ?`).get(login)
}

export function selectLoginByAccount({ prepare }: Store, account: string): LoginRow | undefined {
  return prepare<[string], LoginRow>(`SELECT ${columns} FROM logins WHERE account = ?`).get(account)
}

export type NewLogin = Pick<LoginRow, 'login' | 'account' | 'secrets' | 'name' | 'owner'>

/** Adds a login, or gives the one of this account new secrets; whose it is stays. Its state is written apart. */
export function putLogin({ prepare }: Store, row: NewLogin, now: number): void {
  const put = prepare(
    `INSERT INTO logins (login, account, secrets, name, owner, state, since) VALUES (@login, @account, @secrets, @name, @owner, 'connected', @now)
     ON CONFLICT (account) DO UPDATE SET secrets = excluded.secrets, name = coalesce(excluded.name, name)`,
  )
  put.run({ ...row, now })
}

export type StateChange = Pick<LoginRow, 'state' | 'class' | 'words' | 'until'>

/** Writes a state; since when it is so changes with the state alone. */
export function updateLoginState({ prepare }: Store, login: string, change: StateChange, now: number): void {
  const update = prepare(
    `UPDATE logins SET since = iif(state = @state, since, @now), state = @state, class = @class, words = @words, until = @until
     WHERE login = @login`,
  )
  update.run({ ...change, login, now })
}

export function updateLoginTold({ prepare }: Store, login: string, told: LoginState): void {
  prepare('UPDATE logins SET told = ? WHERE login = ?').run(told, login)
}

/** Forgets the token of a login; what came and went through it stays. */
export function eraseSecrets({ prepare }: Store, login: string): void {
  prepare("UPDATE logins SET secrets = x'' WHERE login = ?").run(login)
}

export function selectValue({ pluck }: Store, key: string): string | undefined {
  return pluck<[string], string>('SELECT value FROM kv WHERE key = ?').get(key)
}

export function putValue({ prepare }: Store, key: string, value: string): void {
  prepare('INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)').run(key, value)
}

export function deleteValue({ prepare }: Store, key: string): void {
  prepare('DELETE FROM kv WHERE key = ?').run(key)
}
