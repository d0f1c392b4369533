import type { Store } from './store.ts'

/** An id of a person, blind, as it stands among the identities. */
export type LaneKey = { readonly login: string; readonly kind: string; readonly blind: string }

export function selectLane({ database }: Store, { login, kind, blind }: LaneKey): string | undefined {
  const lane = database.prepare<[string, string, string], string>('SELECT lane FROM lanes WHERE login = ? AND kind = ? AND blind = ?')
  return lane.pluck().get(login, kind, blind)
}

/** What comes under this id goes into the lane from now on; one that has a lane keeps it. */
export function insertLane({ database }: Store, { login, kind, blind }: LaneKey, lane: string): void {
  database.prepare('INSERT OR IGNORE INTO lanes (login, kind, blind, lane) VALUES (?, ?, ?, ?)').run(login, kind, blind, lane)
}

/** The same, whichever lane it had before. */
export function putLane({ database }: Store, { login, kind, blind }: LaneKey, lane: string): void {
  const put = database.prepare(
    'INSERT INTO lanes (login, kind, blind, lane) VALUES (?, ?, ?, ?) ON CONFLICT (login, kind, blind) DO UPDATE SET lane = excluded.lane',
  )
  put.run(login, kind, blind, lane)
}
