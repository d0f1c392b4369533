import type { PortalRow } from './portals.store.ts'
import type { Store } from './store.ts'

export type SpokeState = 'configured' | 'asked' | 'accepted' | 'stopped' | 'removed'
export type SpokeRow = {
  portal: string
  room: string
  state: SpokeState
  chosen: Buffer | null
  shown: Buffer | null
  base: string | null
  mark: string | null
}
const columns = 'portal, room, state, chosen, shown, base, mark'

export function selectSpoke({ prepare }: Store, portal: string, room: string): SpokeRow | undefined {
  return prepare<[string, string], SpokeRow>(`SELECT ${columns} FROM spokes WHERE portal = ? AND room = ?`).get(portal, room)
}

/** The shared rooms with which a chat has to do, the latest first. */
export function selectSpokesOf({ prepare }: Store, portal: string): SpokeRow[] {
  const rows = prepare<[string], SpokeRow>(`SELECT ${columns} FROM spokes WHERE portal = ? ORDER BY changed_at DESC`)
  return rows.all(portal)
}

export function putSpoke({ prepare }: Store, portal: string, room: string, state: SpokeState, now: number): void {
  const put = prepare(
    `INSERT INTO spokes (portal, room, state, changed_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (portal, room) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at`,
  )
  put.run(portal, room, state, now)
}

export function updateSpokeChosen({ prepare }: Store, portal: string, room: string, chosen: Buffer): void {
  prepare('UPDATE spokes SET chosen = ? WHERE portal = ? AND room = ?').run(chosen, portal, room)
}

export type ShownName = { base: string; mark: string; shown: Buffer }

export function updateSpokeShown({ prepare }: Store, portal: string, room: string, { base, mark, shown }: ShownName): void {
  prepare('UPDATE spokes SET base = ?, mark = ?, shown = ? WHERE portal = ? AND room = ?').run(base, mark, shown, portal, room)
}

/** Whether somebody else in the room has, or had, this name. */
export function isMarkTaken({ pluck }: Store, portal: string, room: string, mark: string): boolean {
  const found = pluck<[string, string, string], number>('SELECT 1 FROM spokes WHERE room = ? AND mark = ? AND portal <> ?')
  return found.get(room, mark, portal) === 1
}

/** A chat's messages stand in a shared room from now on; its own room is kept for later. */
export function enterHub({ prepare }: Store, portal: string, room: string): void {
  prepare('UPDATE portals SET own_room = iif(hub = 0, room, own_room), room = ?, hub = 1 WHERE portal = ?').run(room, portal)
}

/** A chat is on its own again. What it was still to get from the shared room is called off. */
export function leaveHub({ prepare }: Store, portal: string, room: string, now: number): void {
  prepare('UPDATE portals SET room = own_room, hub = 0 WHERE portal = ? AND room = ?').run(portal, room)
  const cancel = prepare(
    "UPDATE outbox SET state = 'cancelled', payload = NULL, waits = NULL, changed_at = ? WHERE portal = ? AND room = ? AND state = 'queued'",
  )
  cancel.run(now, portal, room)
}

/** The rooms in which messages of a chat may stand: the one it is in first. Chats move into shared rooms and out of them. */
export function selectRoomsOf({ pluck }: Store, portal: string): string[] {
  const rows = pluck<{ portal: string }, string>(
    `SELECT room FROM (
       SELECT room, 0 AS place FROM portals WHERE portal = @portal
       UNION ALL SELECT own_room, 1 FROM portals WHERE portal = @portal
       UNION ALL SELECT room, 2 FROM spokes WHERE portal = @portal
     ) WHERE room IS NOT NULL GROUP BY room ORDER BY min(place)`,
  )
  return rows.all({ portal })
}

/** Whether a room is a shared one in which a chat is not any more. */
export function hasLeft({ pluck }: Store, portal: string, room: string): boolean {
  const found = pluck<[string, string], number>(
    'SELECT 1 FROM spokes JOIN portals USING (portal) WHERE portal = ? AND spokes.room = ? AND portals.room IS NOT spokes.room',
  )
  return found.get(portal, room) === 1
}

export type HubRow = { alias: string; room: string; name: string | null; owner: string | null }

export function selectHubs({ prepare }: Store): HubRow[] {
  return prepare<[], HubRow>('SELECT alias, room, name, owner FROM hubs ORDER BY rowid').all()
}

export function insertHub({ prepare }: Store, { alias, room, name, owner }: HubRow): void {
  prepare('INSERT OR IGNORE INTO hubs (alias, room, name, owner) VALUES (?, ?, ?, ?)').run(alias, room, name, owner)
}

/** The chats of an account, those first that were seen first. */
export function selectPortalsOfLogin({ prepare }: Store, login: string): PortalRow[] {
  const rows = prepare<[string], PortalRow>('SELECT portal, login, contact, room, alias, hub FROM portals WHERE login = ? ORDER BY rowid')
  return rows.all(login)
}

export type QueueCount = { portal: string; state: string; count: number }

/** How much of each chat is on its way, and of how much it is not known what became of it. */
export function countOpen({ prepare }: Store): QueueCount[] {
  const rows = prepare<[], QueueCount>(
    `SELECT portal, state, count(*) AS count FROM outbox WHERE state IN ('queued', 'submitting', 'unknown') GROUP BY portal, state`,
  )
  return rows.all()
}

/** The first parts whose fate is not known, the newest first; without those that were taken back. */
export function selectUnknown({ prepare }: Store, portal: string, limit: number): { seq: number; changed_at: number }[] {
  const rows = prepare<[string, number], { seq: number; changed_at: number }>(
    `SELECT seq, changed_at FROM outbox WHERE portal = ? AND state = 'unknown' AND NOT EXISTS (
       SELECT 1 FROM outbox AS about WHERE about.target = outbox.event AND about.portal = outbox.portal AND about.kind IN ('undo', 'withdrawal')
     ) ORDER BY seq DESC LIMIT ?`,
  )
  return rows.all(portal, limit)
}
