import type { EventId } from '../ids.ts'
import type { Pdu } from '../pdu.ts'

/** An event as state resolution sees it. */
export type KnownEvent = { readonly eventId: EventId; readonly pdu: Pdu; readonly rejected: boolean }

/** Reads an event that the caller has in memory; undefined for one that is not loaded, or that nobody has. */
export type ReadEvent = (eventId: EventId) => KnownEvent | undefined

/**
 * Work that stops now and then: for a breath (an empty list), or to have events loaded (their ids). What cannot be loaded is passed over,
 * so a caller may go on without it.
 */
export type Steps<T> = Generator<readonly EventId[], T, undefined>

/** So many small pieces of work lie between two breaths: about a millisecond. */
export const pace = 256

/** The step that asks for nothing. */
export const breath: readonly EventId[] = []

/** Asks for those events that are not loaded, a page at a time. */
export function* want(readEvent: ReadEvent, eventIds: Iterable<EventId>): Steps<void> {
  let missing: EventId[] = []
  let count = 0
  for (const eventId of eventIds) {
    if (readEvent(eventId) === undefined) missing.push(eventId)
    if (++count % pace > 0) continue
    yield missing
    missing = []
  }
  if (missing.length > 0) yield missing
}

/** Takes all steps at once, where nothing has to be loaded. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Takes the steps one by one; `pause` loads the events that a step asks for, or lets others work if it asks for none. */
export async function drive<T>(steps: Steps<T>, pause: (wanted: readonly EventId[]) => Promise<void>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    await pause(step.value)
  }
}
