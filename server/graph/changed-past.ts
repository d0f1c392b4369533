import { canonicalJson } from '../core/canonical-json.ts'
import type { EventId } from '../core/ids.ts'
import type { Database, LogRow } from '../storage/database.ts'
import { selectEvents } from './events.store.ts'
import type { StateEvent, TimelineEvent } from './graph.ts'
import { applyForm, applyRedaction, type Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { eventOf } from './stored-event.ts'

/** Rows of the log that tell which event is another one than it was, by what came out of the past: the room itself has not moved on. */
export const changedKind = 'past_changed'

/** What history changes of what memory may hold: an event that it redacts, and what is known now of one that was here as part of a state. */
export type ChangedPast = { readonly redacted: TimelineEvent | undefined; readonly form: StateEvent | undefined }

/** What tells other processes of it. To be asked before it is written. */
export async function rowsOfChanged({ shared, select }: Database, { redacted, form }: ChangedPast): Promise<LogRow[]> {
  if (!shared) return []
  const changed = redacted === undefined ? [] : [redacted.eventId]
  const [row] = form === undefined ? [] : await select(selectEvents, [form.eventId])
  if (form !== undefined && row !== undefined && !isSame(eventOf(row), form)) changed.push(form.eventId)
  return changed.map((key) => ({ kind: changedKind, key }))
}

function isSame(one: StateEvent, other: StateEvent): boolean {
  return canonicalJson(one.pdu.content, false) === canonicalJson(other.pdu.content, false)
}

/** Puts it into memory once it is written. */
export function applyChanged(room: Room, { redacted, form }: ChangedPast): void {
  if (redacted !== undefined) applyRedaction(room, redacted)
  if (form !== undefined) applyForm(room, form)
}

/** Reads events again that another process has told of, for the rooms that memory holds. */
export async function takeChanged(
  { database, rooms }: { readonly database: Pick<Database, 'select'>; readonly rooms: Rooms },
  eventIds: readonly EventId[],
): Promise<void> {
  if (eventIds.length === 0) return
  for (const row of await database.select(selectEvents, eventIds)) {
    const event = eventOf(row)
    const room = await rooms.held(event.roomId)
    if (room !== undefined) applyChanged(room, { redacted: event.redactedBy === undefined ? undefined : event, form: event })
  }
}
