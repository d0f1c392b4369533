import type { Store } from './store.ts'

export type PortalRow = { portal: string; login: string; contact: string; room: string | null; alias: string | null; hub: 0 | 1 }
const columns = 'portal, login, contact, room, alias, hub'

export function selectPortal({ prepare }: Store, portal: string): PortalRow | undefined {
  return prepare<[string], PortalRow>(`SELECT ${columns} FROM portals WHERE portal = ?`).get(portal)
}

export function selectPortalOf({ prepare }: Store, login: string, contact: string): PortalRow | undefined {
  const row = prepare<[string, string], PortalRow>(`SELECT ${columns} FROM portals WHERE login = ? AND contact = ?`)
  return row.get(login, contact)
}

export function selectPortalsIn({ prepare }: Store, room: string): PortalRow[] {
  return prepare<[string], PortalRow>(`SELECT ${columns} FROM portals WHERE room = ? ORDER BY portal`).all(room)
}

export function insertPortal({ prepare }: Store, portal: PortalRow): void {
  const insert = prepare('INSERT INTO portals (portal, login, contact, room, alias, hub) VALUES (?, ?, ?, ?, ?, ?)')
  insert.run(portal.portal, portal.login, portal.contact, portal.room, portal.alias, portal.hub)
}

export function updatePortalRoom({ prepare }: Store, portal: string, room: string): void {
  prepare('UPDATE portals SET room = ? WHERE portal = ?').run(room, portal)
}

export function selectHub({ pluck }: Store, alias: string): string | undefined {
  return pluck<[string], string>('SELECT room FROM hubs WHERE alias = ?').get(alias)
}

export function putHub({ prepare }: Store, alias: string, room: string): void {
  prepare('INSERT OR REPLACE INTO hubs (alias, room) VALUES (?, ?)').run(alias, room)
}
