import type { Store } from './store.ts'

/** When a bucket is full again; null for a bucket that is full. */
export function selectFullAt({ pluck }: Store, bucket: string): number | undefined {
  return pluck<[string], number>('SELECT full_at FROM rates WHERE bucket = ?').get(bucket)
}

export function putFullAt({ prepare }: Store, bucket: string, fullAt: number): void {
  const put = prepare('INSERT INTO rates (bucket, full_at) VALUES (?, ?) ON CONFLICT (bucket) DO UPDATE SET full_at = excluded.full_at')
  put.run(bucket, fullAt)
}

/** Forgets the buckets that are full again: they are as if nothing had been sent. */
export function forgetFull({ prepare }: Store, now: number): void {
  prepare('DELETE FROM rates WHERE full_at <= ?').run(now)
}

export type PacedRow = { portal: string; contact: string; hub: number; room: string; count: number; fullAt: number; toldAt: number | null }

/** The chats of which something has been queued since before a time, and whose bucket is in use. */
export function selectPaced({ prepare }: Store, before: number): PacedRow[] {
  const rows = prepare<[number], PacedRow>(
    `SELECT portal, contact, hub, portals.room AS room, count(*) AS count, full_at AS fullAt, told_at AS toldAt
     FROM rates JOIN portals ON bucket = 'chat ' || portal JOIN outbox USING (portal)
     WHERE outbox.state = 'queued' AND outbox.waits IS NULL AND portals.room IS NOT NULL
     GROUP BY portal HAVING min(outbox.changed_at) <= ?`,
  )
  return rows.all(before)
}

export function updateToldAt({ prepare }: Store, portal: string, at: number): void {
  prepare("UPDATE rates SET told_at = ? WHERE bucket = 'chat ' || ?").run(at, portal)
}
