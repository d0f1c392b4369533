import type { Store, Waiting } from './store.ts'

/** Which parts are to be sent, and to which chats. */
export function selectQueuedLanes({ prepare }: Store, after: number, limit: number): Waiting[] {
  const rows = prepare<[number, number], Waiting>(
    "SELECT seq, portal AS lane FROM outbox WHERE state = 'queued' AND waits IS NULL AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(after, limit)
}

/** Which parts are to be sent to one chat. */
export function selectQueuedOf({ prepare }: Store, portal: string, after: number, limit: number): { seq: number }[] {
  const rows = prepare<[string, number, number], { seq: number }>(
    "SELECT seq FROM outbox WHERE state = 'queued' AND waits IS NULL AND portal = ? AND seq > ? ORDER BY seq LIMIT ?",
  )
  return rows.all(portal, after, limit)
}
