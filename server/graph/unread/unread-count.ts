import type { EventId } from '../../core/ids.ts'

/** What somebody has not read. */
export type UnreadCount = { readonly notifications: number; readonly highlights: number }

/** Unread counts of the main timeline and of the threads that have any, and the positions up to which all, the main timeline and threads are read. */
export type Unread = {
  readonly main: UnreadCount
  readonly threads: ReadonlyMap<EventId, UnreadCount>
  readonly read: { readonly all: number; readonly main: number; readonly threads: ReadonlyMap<EventId, number> }
}
