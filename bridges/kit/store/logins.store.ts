import type { Store } from './store.ts'

export type LoginRow = { login: string; account: string; secrets: Buffer; name: string | null; state: 'connected' | 'bad_credentials' }

export function selectLogins({ database }: Store): LoginRow[] {
  return database.prepare<[], LoginRow>('SELECT login, account, secrets, name, state FROM logins ORDER BY login').all()
}

export function selectLoginByAccount({ database }: Store, account: string): LoginRow | undefined {
  return database.prepare<[string], LoginRow>('SELECT login, account, secrets, name, state FROM logins WHERE account = ?').get(account)
}

/** Adds a login, or gives the one of this account new secrets. */
export function putLogin({ database }: Store, { login, account, secrets, name, state }: LoginRow): void {
  const put = database.prepare(
    `INSERT INTO logins (login, account, secrets, name, state) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (account) DO UPDATE SET secrets = excluded.secrets, name = excluded.name, state = excluded.state`,
  )
  put.run(login, account, secrets, name, state)
}

export function selectValue({ database }: Store, key: string): string | undefined {
  return database.prepare<[string], string>('SELECT value FROM kv WHERE key = ?').pluck().get(key)
}

export function putValue({ database }: Store, key: string, value: string): void {
  database.prepare('INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)').run(key, value)
}
