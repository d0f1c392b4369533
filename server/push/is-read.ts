import { relationOf } from '../core/relation.ts'
import type { TimelineEvent, Unread } from '../graph/graph.ts'

/** Whether its reader has read an event: all of the room, its thread, or the main timeline if it is in none. */
export function isRead({ read }: Pick<Unread, 'read'>, { pdu, position = 0 }: TimelineEvent): boolean {
  const relation = relationOf(pdu.content)
  if (relation?.relType !== 'm.thread') return position <= read.main
  return position <= Math.max(read.all, read.threads.get(relation.eventId) ?? 0)
}
