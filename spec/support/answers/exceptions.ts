import type { Recorded } from './record.ts'

/** Answers that a schema does not speak of, although it stands at their operation and status; each with its reason. */
export const exceptions: readonly { readonly reason: string; readonly is: (answer: Recorded, value: unknown) => boolean }[] = [
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
]

/** Whether a value is an object with such a field. */
export const has = (value: unknown, field: string) => typeof value === 'object' && value !== null && field in value
