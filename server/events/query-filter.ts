import { type EventFilter, parseEventFilter } from '../core/event-filter.ts'
import { parseStrict } from '../core/lossless-json.ts'

/** The event filter in a query's `filter`: JSON text; undefined without it. 400 M_NOT_JSON or M_BAD_JSON. */
export function queryFilter(query: URLSearchParams): EventFilter | undefined {
  const text = query.get('filter')
  return text === null || text === '' ? undefined : parseEventFilter(parseStrict(text))
}
