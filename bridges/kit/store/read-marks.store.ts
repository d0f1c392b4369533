import type { Store } from './store.ts'

export type ReadMarkRow = { portal: string; event: string }

/** Notes up to which event a chat was read; a mark never goes back, as far as the order of the two is known. */
export function putReadMark({ prepare }: Store, portal: string, event: string): void {
  const put = prepare(
    `INSERT INTO read_marks (portal, event) VALUES (@portal, @event)
     ON CONFLICT (portal) DO UPDATE SET event = excluded.event, told = 0
     WHERE read_marks.event <> excluded.event AND coalesce((SELECT seq FROM matrix_events WHERE event = excluded.event), 0)
       >= coalesce((SELECT seq FROM matrix_events WHERE event = read_marks.event), 0)`,
  )
  put.run({ portal, event })
}

export function selectUntoldMarks({ prepare }: Store): ReadMarkRow[] {
  return prepare<[], ReadMarkRow>('SELECT portal, event FROM read_marks WHERE told = 0 ORDER BY portal').all()
}

export function selectToldMark({ pluck }: Store, portal: string): string | undefined {
  return pluck<[string], string>('SELECT event FROM read_marks WHERE portal = ? AND told = 1').get(portal)
}

/** The network knows; unless the mark has moved on meanwhile. */
export function finishReadMark({ prepare }: Store, { portal, event }: ReadMarkRow): void {
  prepare('UPDATE read_marks SET told = 1 WHERE portal = ? AND event = ?').run(portal, event)
}

/** The newest message of the person of a chat that stands in the room at an event or before it. */
export function selectTheirsUpTo({ prepare }: Store, portal: string, event: string): { remote: string; remoteId: Buffer } | undefined {
  const row = prepare<[string, string], { remote: string; remoteId: Buffer }>(
    `SELECT m.remote, m.remote_id AS remoteId FROM messages m JOIN matrix_events e ON e.event = m.event
     WHERE m.portal = ? AND m.own = 0 AND e.seq <= (SELECT seq FROM matrix_events WHERE event = ?) ORDER BY e.seq DESC LIMIT 1`,
  )
  return row.get(portal, event)
}
