import type { MatrixPerson } from '../../trips/matrix-person.ts'

/** An event as the homeserver gives it. */
export type RawEvent = {
  readonly event_id: string
  readonly type: string
  readonly sender: string
  readonly content: Readonly<Record<string, unknown>>
  readonly redacts?: string
}

/** All that stands in a room, oldest first. */
export async function rawEvents(person: MatrixPerson, room: string): Promise<RawEvent[]> {
  const events: RawEvent[] = []
  for (let from = ''; ; ) {
    const page = await person.asks(`/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=f&limit=500${from}`)
    const { chunk, end } = page as { chunk: RawEvent[]; end?: string }
    events.push(...chunk)
    if (end === undefined || chunk.length === 0) return events
    from = `&from=${encodeURIComponent(end)}`
  }
}

/** The events that take this one back. */
export function redactionsOf(events: readonly RawEvent[], event: string): RawEvent[] {
  return events.filter(({ type, content, redacts }) => type === 'm.room.redaction' && (content['redacts'] ?? redacts) === event)
}

/** How an event refers to another; clients and bridges leave this in the clear. */
export function relationOf({ content }: RawEvent): { rel_type?: string; event_id?: string; key?: string } {
  return (content['m.relates_to'] ?? {}) as { rel_type?: string; event_id?: string; key?: string }
}
