import type { Recorded } from './record.ts'

type Exception = {
  readonly reason: string
  readonly is: (answer: Recorded, value: unknown) => boolean
  /** Which faults are none; all of them unless said. */
  readonly faults?: RegExp
}

/** Answers that a schema does not speak of, although it stands at their operation and status; each with its reason. */
export const exceptions: readonly Exception[] = [
  {
    reason:
      'where the schema of a 401 is that of user-interactive authentication, a token that is missing or unknown is told as everywhere',
    is: ({ status }, value) => status === 401 && !has(value, 'flows') && has(value, 'errcode'),
  },
  {
    reason: 'MSC4140: an event that is to be sent later has no id yet; the answer is the id of the delay',
    is: ({ status, url }, value) => status === 200 && /[?&]org\.matrix\.msc4140\.delay=/.test(url) && has(value, 'delay_id'),
  },
  {
    reason: 'without TURN the answer is empty, as clients in use know it; the schema knows only servers with TURN',
    is: ({ url }, value) => url.includes('/voip/turnServer') && JSON.stringify(value) === '{}',
  },
  {
    reason: 'the schema wants either any object or an event; an event is both',
    is: ({ url, method }, value) => method === 'GET' && /\/state\/[^?]*\?(?:.*&)?format=event/.test(url) && has(value, 'event_id'),
  },
  {
    reason: 'a filter with event_fields takes away what the schema of an event requires',
    is: ({ url }, value) => /[?&]filter=/.test(url) && isNarrowed(value),
    faults: /\/events\/\* must have required property/,
  },
]

const required = ['content', 'event_id', 'origin_server_ts', 'sender', 'type']

/** Whether the events of rooms in an answer all lack the same field: a filter by its id does not show what it asks for. */
function isNarrowed(value: unknown): boolean {
  const events = roomEventsOf(value)
  return required.some((field) => events.every((event) => !has(event, field)))
}

/** The events in the timelines and the state of rooms that somebody joined or left. */
function roomEventsOf(value: unknown): unknown[] {
  const { rooms = {} } = Object(value) as { rooms?: Record<string, Record<string, Record<string, { events?: unknown[] }>>> }
  const all = [...Object.values(rooms['join'] ?? {}), ...Object.values(rooms['leave'] ?? {})]
  return all.flatMap((room) => [...(room['timeline']?.events ?? []), ...(room['state']?.events ?? [])])
}

/** Whether a value is an object with such a field. */
export const has = (value: unknown, field: string) => typeof value === 'object' && value !== null && field in value
