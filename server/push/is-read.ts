import type { TimelineEvent } from '../graph/graph.ts'
import type { Unread } from '../graph/unread/unread-count.ts'

/** Whether its reader has read an event: all of the room, its thread, or the main timeline if it is in none. */
export function isRead({ read }: Pick<Unread, 'read'>, { thread, position = 0 }: TimelineEvent): boolean {
  if (thread === undefined) return position <= read.main
  return position <= Math.max(read.all, read.threads.get(thread) ?? 0)
}
