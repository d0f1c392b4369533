import type { Store } from './store.ts'

export type PortalRow = { portal: string; login: string; contact: string; room: string | null; alias: string | null; hub: 0 | 1 }
const columns = 'portal, login, contact, room, alias, hub'

export function selectPortal({ database }: Store, portal: string): PortalRow | undefined {
  return database.prepare<[string], PortalRow>(`SELECT ${columns} FROM portals WHERE portal = ?`).get(portal)
}

export function selectPortalOf({ database }: Store, login: string, contact: string): PortalRow | undefined {
  const row = database.prepare<[string, string], PortalRow>(`SELECT ${columns} FROM portals WHERE login = ? AND contact = ?`)
  return row.get(login, contact)
}

export function selectPortalsIn({ database }: Store, room: string): PortalRow[] {
  return database.prepare<[string], PortalRow>(`SELECT ${columns} FROM portals WHERE room = ? ORDER BY portal`).all(room)
}

export function insertPortal({ database }: Store, portal: PortalRow): void {
  const insert = database.prepare('INSERT INTO portals (portal, login, contact, room, alias, hub) VALUES (?, ?, ?, ?, ?, ?)')
  insert.run(portal.portal, portal.login, portal.contact, portal.room, portal.alias, portal.hub)
}

export function updatePortalRoom({ database }: Store, portal: string, room: string): void {
  database.prepare('UPDATE portals SET room = ? WHERE portal = ?').run(room, portal)
}

export function selectHub({ database }: Store, alias: string): string | undefined {
  return database.prepare<[string], string>('SELECT room FROM hubs WHERE alias = ?').pluck().get(alias)
}

export function putHub({ database }: Store, alias: string, room: string): void {
  database.prepare('INSERT OR REPLACE INTO hubs (alias, room) VALUES (?, ?)').run(alias, room)
}
