import type { Store } from './store.ts'

/** An id of a person, blind, as it stands among the identities. */
export type LaneKey = { readonly login: string; readonly kind: string; readonly blind: string }

export function selectLane({ pluck }: Store, { login, kind, blind }: LaneKey): string | undefined {
  const lane = pluck<[string, string, string], string>('SELECT lane FROM lanes WHERE login = ? AND kind = ? AND blind = ?')
  return lane.get(login, kind, blind)
}

/** What comes under this id goes into the lane from now on; one that has a lane keeps it. */
export function insertLane({ prepare }: Store, { login, kind, blind }: LaneKey, lane: string): void {
  prepare('INSERT OR IGNORE INTO lanes (login, kind, blind, lane) VALUES (?, ?, ?, ?)').run(login, kind, blind, lane)
}

/** The same, whichever lane it had before. */
export function putLane({ prepare }: Store, { login, kind, blind }: LaneKey, lane: string): void {
  const put = prepare(
    'INSERT INTO lanes (login, kind, blind, lane) VALUES (?, ?, ?, ?) ON CONFLICT (login, kind, blind) DO UPDATE SET lane = excluded.lane',
  )
  put.run(login, kind, blind, lane)
}
