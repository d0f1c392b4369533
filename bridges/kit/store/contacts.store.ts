import type { Store } from './store.ts'

export type ContactRow = { contact: string; login: string; localpart: string; name: Buffer | null; profile: string | null }
export type IdentityRow = { kind: string; blind: string; value: Buffer; contact: string }

export function selectIdentity({ prepare }: Store, login: string, kind: string, blind: string): IdentityRow | undefined {
  const row = prepare<[string, string, string], IdentityRow>(
    'SELECT kind, blind, value, contact FROM identities WHERE login = ? AND kind = ? AND blind = ?',
  )
  return row.get(login, kind, blind)
}

export function selectIdentitiesOf({ prepare }: Store, contact: string): IdentityRow[] {
  const rows = prepare<[string], IdentityRow>('SELECT kind, blind, value, contact FROM identities WHERE contact = ? ORDER BY kind')
  return rows.all(contact)
}

/** Points an id at a contact, whoever had it before. */
export function putIdentity({ prepare }: Store, login: string, identity: IdentityRow, now: number): void {
  const { kind, blind, value, contact } = identity
  const put = prepare(
    `INSERT INTO identities (login, kind, blind, value, contact, last_seen) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (login, kind, blind) DO UPDATE SET contact = excluded.contact, last_seen = excluded.last_seen`,
  )
  put.run(login, kind, blind, value, contact, now)
}

export function insertContact({ prepare }: Store, contact: string, login: string, localpart: string, now: number): void {
  prepare('INSERT INTO contacts (contact, login, localpart, first_seen) VALUES (?, ?, ?, ?)').run(contact, login, localpart, now)
}

export function selectContact({ prepare }: Store, contact: string): ContactRow | undefined {
  const row = prepare<[string], ContactRow>('SELECT contact, login, localpart, name, profile FROM contacts WHERE contact = ?')
  return row.get(contact)
}

export function selectContactByLocalpart({ prepare }: Store, localpart: string): ContactRow | undefined {
  const row = prepare<[string], ContactRow>('SELECT contact, login, localpart, name, profile FROM contacts WHERE localpart = ?')
  return row.get(localpart)
}

export function updateContactName({ prepare }: Store, contact: string, name: Buffer): void {
  prepare('UPDATE contacts SET name = ? WHERE contact = ?').run(name, contact)
}

/** Which display name the homeserver has for the ghost, blind: null until it was set. */
export function updateContactProfile({ prepare }: Store, contact: string, profile: string): void {
  prepare('UPDATE contacts SET profile = ? WHERE contact = ?').run(profile, contact)
}
